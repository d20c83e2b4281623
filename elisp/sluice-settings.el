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

(defvar sluice-daemon-command)
(defvar sluice-socket)

;;;; The command that starts the daemon

(defun sluice-settings-command ()
  "Return `sluice-daemon-command' as a list of words."
  (let ((words (if (stringp sluice-daemon-command)
                   (split-string-and-unquote sluice-daemon-command)
                 sluice-daemon-command)))
    (if (string-prefix-p "~" (or (car words) ""))
        (cons (expand-file-name (car words)) (cdr words))
      words)))

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

(provide 'sluice-settings)
;;; sluice-settings.el ends here
