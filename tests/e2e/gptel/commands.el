;;; commands.el --- What a person does with Sluice's own commands -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; No gptel: `sluice-send' and its sisters speak JSON-RPC with the daemon.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-chat)
(require 'sluice-explain)
(require 'sluice-send)

(defun commands-begin (state)
  "Begin a scene with a daemon whose state directory is STATE."
  (sluice-disconnect)
  (setenv "SLUICE_STATE_DIR" state)
  (setq sluice-start-daemon nil
        sluice-host "api.openai.com"
        sluice--newest-failure nil)
  (mapc #'kill-buffer (cl-remove-if-not
                       (lambda (buffer) (string-match-p "\\`\\*" (buffer-name buffer)))
                       (remove (get-buffer "*scratch*") (buffer-list))))
  (wire-said)
  nil)

(defun commands-type (name model text)
  "Type TEXT in the buffer NAME and send it to MODEL."
  (with-current-buffer (get-buffer-create name)
    (text-mode)
    (buffer-enable-undo)
    (goto-char (point-max))
    (insert text)
    (let ((sluice-model model))
      (sluice-send))
    name))

(defun commands-over ()
  "Wait until no answer is on its way."
  (wire-until (zerop (hash-table-count sluice-chat--live))))

(defun commands-send (name model text)
  "Type TEXT in the buffer NAME, send it to MODEL, wait; return text and messages."
  (commands-type name model text)
  (commands-over)
  (list :text (wire-text name) :said (wire-said)
        :call (buffer-local-value 'sluice-call (get-buffer name))
        :failed (buffer-local-value 'sluice-failed-call (get-buffer name))))

(defun commands-shown (name)
  "Return what the waiting answers of the buffer NAME show instead of text."
  (with-current-buffer name
    (cl-some (lambda (overlay) (overlay-get overlay 'after-string))
             (overlays-in (point-min) (1+ (point-max))))))

(defun commands-page (name command)
  "Call COMMAND in the buffer NAME and return the page of explanations."
  (with-current-buffer name (call-interactively command))
  (wire-text "*Sluice explain*"))

(defun commands-explain-text (text)
  "Select TEXT in a buffer and have it explained."
  (with-temp-buffer
    (insert text)
    (sluice-explain-region (point-min) (point-max)))
  (wire-text "*Sluice explain*"))

(provide 'commands)
;;; commands.el ends here
