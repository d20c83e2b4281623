;;; sluice-gptel-explain.el --- Explain failures of gptel that goes direct -*- lexical-binding: t; -*-

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

;; For people whose gptel talks to the provider itself.  When a call has failed, one key
;; explains it.  Neither `sluice-gptel-mode' nor a daemon is needed: the daemon's program
;; is run once.  gptel keeps only status and text of a failure, so the explanation says
;; that it is likely.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice-explain)
(require 'sluice-words)
(require 'sluice-answer)                ; the note

(declare-function gptel-fsm-info "ext:gptel-request")
(declare-function gptel-fsm-state "ext:gptel-request")
(defvar gptel--fsm-last)

(defvar-local sluice-gptel-explain--overlay nil
  "The overlay that names the key after a failure in this buffer.")

(defvar sluice-gptel-explain-here-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c ? e") #'sluice-explain-last)
    (define-key map (kbd "C-c ? d") #'sluice-gptel-explain-dismiss)
    map)
  "Keys in a buffer where a call of gptel has failed.")

(define-minor-mode sluice-gptel-explain-here-mode
  "Keys for the failure that is shown in this buffer.
It is on as long as the failure is shown.
\\{sluice-gptel-explain-here-map}"
  :group 'sluice
  :keymap sluice-gptel-explain-here-map)

;; The line is an overlay, which a change of the major mode leaves; so must its keys.
(dolist (variable '(sluice-gptel-explain--overlay sluice-gptel-explain-here-mode))
  (put variable 'permanent-local t))

;;;; What failed

(defun sluice-gptel-explain--question (info)
  "Return the question about the failure of INFO, gptel's plist, or nil.
A call that went through the daemon is explained by the daemon."
  (let ((problem (plist-get info :error)))
    (when (and problem (not (plist-get info :sluice-id)))
      (list :text (sluice-gptel-explain--text (plist-get info :status) problem)
            :status (sluice-gptel-explain--status (plist-get info :http-status))
            :provider (sluice-gptel-explain--provider (plist-get info :backend))
            :language sluice-language))))

(defun sluice-gptel-explain--text (status problem)
  "Return what is known of a failure: STATUS, gptel's text, and PROBLEM, its error."
  (concat (and (stringp status) (concat status "\n"))
          (if (stringp problem)
              problem
            (condition-case nil
                (decode-coding-string (json-serialize (list :error problem)) 'utf-8)
              (error (format "%S" problem))))))

(defun sluice-gptel-explain--status (status)
  "Return STATUS, a text of gptel's, as a number from 100 to 999, or nil."
  (let ((number (string-to-number (format "%s" status))))
    (and (<= 100 number 999) number)))

(defconst sluice-gptel-explain--providers
  '("anthropic" "azure" "cerebras" "cohere" "deepseek" "fireworks" "groq" "huggingface" "kagi"
    "mistral" "nvidia" "openai" "openrouter" "perplexity" "together")
  "Providers whose hosts are named as Sluice names them.")

(defun sluice-gptel-explain--provider (backend)
  "Return the name of BACKEND's provider, or nil for one that is not known here."
  (let* ((slot (ignore-errors (cl-struct-slot-offset 'gptel-backend 'host)))
         (host (and slot backend (aref backend slot)))
         (labels (and (stringp host) (split-string (car (split-string host ":")) "\\."))))
    (pcase (car (last labels 2))
      ("googleapis" "gemini")
      ("x" "xai")
      ("githubcopilot" "copilot")
      (name (car (member name sluice-gptel-explain--providers))))))

;;;; What is shown

(defun sluice-gptel-explain--after (&rest _)
  "Look, as soon as gptel has noted it, how the call of this buffer went."
  ;; gptel runs its hook before it notes the request.
  (run-at-time 0 nil #'sluice-gptel-explain--look (current-buffer)))

(defun sluice-gptel-explain--look (buffer)
  "Show in BUFFER that its call has failed, if it has, and which key explains it."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (sluice-gptel-explain-dismiss)
      (when-let* ((fsm (bound-and-true-p gptel--fsm-last))
                  (info (and (eq 'ERRS (gptel-fsm-state fsm)) (gptel-fsm-info fsm)))
                  (question (sluice-gptel-explain--question info)))
        (sluice-explain-note-text question)
        (sluice-gptel-explain--show (plist-get info :position))))))

(defun sluice-gptel-explain--show (position)
  "Say below POSITION, a marker, which key explains the failure."
  (when (and (markerp position) (eq (current-buffer) (marker-buffer position)))
    (setq sluice-gptel-explain--overlay (sluice-note-overlay position))
    (sluice-note-show sluice-gptel-explain--overlay
                      (sluice-gettext "Failed.  C-c ? then e explain, d dismiss") 'error)
    (sluice-gptel-explain-here-mode 1)))

(defun sluice-gptel-explain-dismiss ()
  "Show no failure in this buffer any more."
  (interactive)
  (when sluice-gptel-explain--overlay
    (delete-overlay sluice-gptel-explain--overlay)
    (setq sluice-gptel-explain--overlay nil)
    (sluice-gptel-explain-here-mode -1)))

;;;###autoload
(define-minor-mode sluice-gptel-explain-mode
  "After a failure of gptel, name a key that explains it.
No daemon is needed.  Calls that go through `sluice-gptel-mode' have more keys
of their own, and an explanation that knows the whole answer."
  :global t
  :group 'sluice
  (if sluice-gptel-explain-mode
      (add-hook 'gptel-post-response-functions #'sluice-gptel-explain--after)
    (remove-hook 'gptel-post-response-functions #'sluice-gptel-explain--after)
    (dolist (buffer (buffer-list))
      (with-current-buffer buffer (sluice-gptel-explain-dismiss)))))

(defun sluice-gptel-explain-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice-gptel-explain-mode -1)
  nil)

(provide 'sluice-gptel-explain)
;;; sluice-gptel-explain.el ends here
