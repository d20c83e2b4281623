;;; sluice-settings.el --- What the settings are taken to mean -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:
;;; Commentary:

;; What a setting says is taken as it is clearly meant: a command as one string, for
;; example.  The options in the daemon's command tell where that daemon is found.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'sluice-words)

(defvar sluice-daemon-command)
(defvar sluice-socket)
(declare-function widget-convert "wid-edit")
(declare-function widget-apply "wid-edit")

;;;; The command that starts the daemon

(defun sluice-settings-command ()
  "Return `sluice-daemon-command' as a list of words; nil if it is no command."
  (let ((words (cond ((not (stringp sluice-daemon-command)) sluice-daemon-command)
                     ((and (file-name-absolute-p sluice-daemon-command)
                           (file-executable-p sluice-daemon-command))
                      (list sluice-daemon-command "serve"))
                     (t (ignore-errors (split-string-and-unquote sluice-daemon-command))))))
    (when (and (proper-list-p words) words (cl-every #'stringp words))
      (if (string-prefix-p "~" (car words))
          (cons (expand-file-name (car words)) (cdr words))
        words))))

(defun sluice-settings--values (words)
  "Return the options in WORDS that have a value, as (OPTION . VALUE), in order."
  (let ((found nil))
    (while words
      (let ((word (pop words)))
        (cond ((string-match "\\`\\(--[a-z-]+\\)=\\(.*\\)\\'" word)
               (push (cons (match-string 1 word) (match-string 2 word)) found))
              ((and (string-prefix-p "--" word) words (not (string-prefix-p "-" (car words))))
               (push (cons word (pop words)) found)))))
    (nreverse found)))

(defun sluice-settings-option (option)
  "Return the value of OPTION in the daemon's command, or nil; the last one counts."
  (cdr (assoc option (reverse (sluice-settings--values (sluice-settings-command))))))

(defun sluice-settings-folder-option (option)
  "Return the value of OPTION in the daemon's command as an absolute path, or nil."
  (when-let* ((value (sluice-settings-option option)))
    ;; That is where it is started.
    (expand-file-name value "~/")))

(defun sluice-settings-state-directories ()
  "Return the directories in which the daemon may have written its address.
The options of its command come first; the sandbox has a directory of its own."
  (let ((told (sluice-settings-folder-option "--state-dir"))
        (usual (delq nil
                     (list (getenv "SLUICE_STATE_DIR")
                           (expand-file-name
                            "sluice" (or (getenv "XDG_STATE_HOME") "~/.local/state"))
                           (and (eq system-type 'darwin)
                                "~/Library/Application Support/sluice")))))
    (cond (told (list told))
          ((sluice-settings-sandbox-p) (mapcar #'sluice-settings--sandbox-in usual))
          (t (append usual (mapcar #'sluice-settings--sandbox-in usual))))))

(defun sluice-settings-sandbox-p ()
  "Return non-nil if the daemon's command is that of the sandbox."
  (member "--sandbox" (sluice-settings-command)))

(defun sluice-settings--sandbox-in (directory)
  "Return where the sandbox has its state, if that of a daemon is in DIRECTORY."
  (expand-file-name "sandbox" directory))

(defconst sluice-settings--common '("--socket" "--config" "--state-dir" "--language")
  "Options of the daemon's program that each of its sub-commands takes.")

(defun sluice-settings-program ()
  "Return the program of the daemon and the arguments before a sub-command.
These are the options that say which daemon is meant."
  (let* ((command (sluice-settings-command))
         (program (seq-take-while (lambda (word)
                                    (not (or (equal word "serve") (string-prefix-p "--" word))))
                                  command)))
    (and program
         (append program
                 (cl-loop for (option . value) in (sluice-settings--values command)
                          when (and (member option sluice-settings--common)
                                    ;; Ours goes before it.
                                    (not (and (equal option "--socket") sluice-socket)))
                          append (list option value))
                 (and (sluice-settings-sandbox-p)
                      (not (sluice-settings-option "--state-dir"))
                      (when-let* ((state (cl-find-if #'file-directory-p
                                                     (sluice-settings-state-directories))))
                        (list "--state-dir" state)))))))

;;;; Other settings

(defun sluice-settings-text (value)
  "Return VALUE, a text or a symbol, as a text.  Nil stays nil."
  (if (and value (symbolp value)) (symbol-name value) value))

(defun sluice-settings-host (value)
  "Return the host in VALUE, which may be an address with a scheme and a path."
  (let ((text (sluice-settings-text value)))
    (if (not (stringp text))
        text
      (string-match "\\`\\(?:[a-z]+:/+\\)?\\(?:[^/@]*@\\)?\\([^/?#]*\\)" text)
      (match-string 1 text))))

(defun sluice-settings--list (value)
  "Return VALUE, a list or a single text, as a list."
  (if (stringp value) (list value) value))

(defun sluice-settings-regexps (option)
  "Return the regular expressions of OPTION, a symbol; complain of a wrong one."
  (sluice-settings-check option)
  (sluice-settings--list (symbol-value option)))

;;;; What is wrong

(defconst sluice-settings--socket-bytes (if (eq system-type 'darwin) 103 107)
  "The longest file name of a socket that the system takes, in bytes.")

(defun sluice-settings--wish (option value)
  "Return in words what OPTION must be, if VALUE is not; else nil.
Return t for an option of which nothing special is known."
  (pcase option
    ('sluice-daemon-command
     (unless (sluice-settings-command)
       (sluice-gettext "a list of texts, such as (\"sluice\" \"serve\")")))
    ('sluice-model
     (unless (sluice-settings--name-p value)
       (sluice-gettext "the name of a model, such as \"gpt-4o-mini\"")))
    ('sluice-host
     (unless (sluice-settings--name-p (sluice-settings-host value))
       (sluice-gettext "the name of a host, such as \"api.openai.com\"")))
    ('sluice-language
     (unless (or (null value) (sluice-settings--name-p value))
       (sluice-gettext "nil or a language, such as \"ko\"")))
    ('sluice-socket
     (unless (or (null value)
                 (and (stringp value)
                      (<= (string-bytes (expand-file-name value)) sluice-settings--socket-bytes)))
       (sluice-gettext "nil or a file name of at most %d bytes" sluice-settings--socket-bytes)))
    ((or 'sluice-gptel-direct-hosts 'sluice-llm-direct-hosts)
     (sluice-settings--regexps-wish (sluice-settings--list value)))
    ('sluice-rewrite-prompt
     (unless (stringp value)
       (sluice-gettext "a text in which %%s stands for what you ask for")))
    (_ t)))

(defun sluice-settings--name-p (value)
  "Return non-nil if VALUE is a symbol or a text, and no empty one."
  (let ((text (sluice-settings-text value)))
    (and (stringp text) (not (string-blank-p text)))))

(defun sluice-settings--regexps-wish (regexps)
  "Return in words what REGEXPS must be, if they are not; else nil."
  (if (not (and (proper-list-p regexps) (cl-every #'stringp regexps)))
      (sluice-gettext "a list of regular expressions")
    (cl-some (lambda (regexp)
               (condition-case err
                   (ignore (string-match-p regexp ""))
                 (invalid-regexp
                  (sluice-gettext "a list of regular expressions; %S is none (%s)"
                                  regexp (error-message-string err)))))
             regexps)))

(defun sluice-settings-problem (option)
  "Return in a sentence what is wrong with the value of OPTION, a symbol, or nil."
  (let ((wish (and (boundp option)
                   (sluice-settings--wish option (symbol-value option)))))
    (when (stringp wish)
      (sluice-gettext "The setting `%s' must be %s.  Change it: M-x customize-option RET %s"
                      option wish option))))

(defun sluice-settings-check (&rest options)
  "Signal a `user-error' about what is wrong with one of OPTIONS, if one is."
  (when-let* ((problem (cl-some #'sluice-settings-problem options)))
    (user-error "%s" problem)))

(defun sluice-settings-all-problems ()
  "Return (OPTION . SENTENCE) for each option of this package that is wrong."
  (require 'wid-edit)
  (let ((problems nil))
    (mapatoms
     (lambda (option)
       (when (and (string-prefix-p "sluice-" (symbol-name option))
                  (boundp option)
                  ;; Those have a type that is only known where it is asked for.
                  (not (memq (get option 'custom-type) '(nil hook))))
         (when-let* ((problem (or (sluice-settings-problem option)
                                  (sluice-settings--mismatch option))))
           (push (cons option problem) problems)))))
    (sort problems (lambda (a b) (string< (car a) (car b))))))

(defun sluice-settings--mismatch (option)
  "Return in a sentence that OPTION has a value of the wrong kind, or nil.
The value is not shown: it may be a key."
  (let ((value (default-value option)))
    (when (and (eq t (sluice-settings--wish option value))
               (not (widget-apply (widget-convert (get option 'custom-type)) :match value)))
      (sluice-gettext "The setting `%s' has a value of the wrong kind.  See what it can be: \
M-x customize-option RET %s" option option))))

(provide 'sluice-settings)
;;; sluice-settings.el ends here
