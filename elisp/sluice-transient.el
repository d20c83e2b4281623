;;; sluice-transient.el --- A menu of what goes where -*- lexical-binding: t; -*-

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

;; `sluice-menu' shows to whom the text at point would go, how large it is and how long it
;; would wait; it changes that, and sends.  This file alone needs transient, and is
;; loaded when the menu is asked for.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'transient)
(require 'sluice)
(require 'sluice-chat)
(require 'sluice-send)
(require 'sluice-estimate)

(defvar sluice-menu--buffer nil
  "The buffer from which the menu was asked for.")

(defvar sluice-menu--pools nil
  "What the daemon says of the limits, for the time that the menu is shown.")

(defvar sluice-menu-host-history nil "Hosts that were chosen in the menu.")
(defvar sluice-menu-model-history nil "Models that were chosen in the menu.")
(defvar sluice-menu-system-history nil "System prompts that were written in the menu.")

(defconst sluice-menu--hosts
  '("api.openai.com" "api.anthropic.com" "generativelanguage.googleapis.com"
    "api.mistral.ai" "api.groq.com" "api.deepseek.com" "openrouter.ai")
  "Hosts that are offered beside those that the daemon has seen.")

;;;; What the menu says

(defmacro sluice-menu--in-buffer (&rest body)
  "Run BODY in the buffer from which the menu was asked for."
  (declare (indent 0) (debug t))
  `(with-current-buffer (if (buffer-live-p sluice-menu--buffer) sluice-menu--buffer
                          (current-buffer))
     ,@body))

(defun sluice-menu--heading ()
  "Return in words how large it is what would be sent, and how long it would wait."
  (sluice-menu--in-buffer
    (let ((parcel (ignore-error user-error (sluice-send-parcel))))
      (if (or (null parcel) (sluice-send-empty-p parcel))
          (sluice-gettext "Nothing to send at point")
        (let ((tokens (sluice-send-tokens parcel)))
          (sluice-gettext "Send: %s"
                          (sluice-estimate-words
                           tokens (sluice-estimate-wait sluice-menu--pools tokens
                                                        (sluice-current-host) (sluice-current-model)))))))))

(defun sluice-menu--line (label value)
  "Return LABEL and VALUE as a line of the menu."
  (concat (truncate-string-to-width label 16 nil ?\s) " "
          (propertize (truncate-string-to-width (string-replace "\n" " " (format "%s" value)) 50 nil nil t)
                      'face 'transient-value)))

(defun sluice-menu--set (option value)
  "Set OPTION to VALUE in the buffer from which the menu was asked for.
Where it has no value of its own there, it is set everywhere, until Emacs ends."
  (sluice-menu--in-buffer (set option value)))

(defun sluice-menu--value (option)
  "Return the value of OPTION where the menu was asked for."
  (sluice-menu--in-buffer (symbol-value option)))

(defun sluice-menu--known (field)
  "Return what the daemon knows as FIELD of its limits, each once."
  (delete-dups (delq nil (mapcar (lambda (pool) (plist-get pool field)) sluice-menu--pools))))

;;;; What can be changed

(transient-define-suffix sluice-menu-host (host)
  "Choose the HOST to which calls go."
  :description (lambda () (sluice-menu--line (sluice-gettext "host")
                                             (sluice-settings-host (sluice-menu--value 'sluice-host))))
  :transient t
  (interactive
   (list (completing-read (sluice-gettext "Host: ")
                          (delete-dups (append (sluice-menu--known :host) sluice-menu--hosts))
                          nil nil nil 'sluice-menu-host-history
                          (sluice-settings-host (sluice-menu--value 'sluice-host)))))
  (sluice-menu--set 'sluice-host host))

(transient-define-suffix sluice-menu-model (model)
  "Choose the MODEL that answers."
  :description (lambda () (sluice-menu--line (sluice-gettext "model")
                                             (sluice-settings-text (sluice-menu--value 'sluice-model))))
  :transient t
  (interactive
   (list (completing-read (sluice-gettext "Model: ") (sluice-menu--known :group)
                          nil nil nil 'sluice-menu-model-history
                          (sluice-settings-text (sluice-menu--value 'sluice-model)))))
  (sluice-menu--set 'sluice-model model))

(transient-define-suffix sluice-menu-system (prompt)
  "Write the system PROMPT; an empty one is none."
  :description (lambda ()
                 (sluice-menu--line (sluice-gettext "system prompt")
                                    (or (sluice-menu--value 'sluice-system-prompt)
                                        (sluice-gettext "none"))))
  :transient t
  (interactive
   (list (read-string (sluice-gettext "System prompt: ")
                      (sluice-menu--value 'sluice-system-prompt)
                      'sluice-menu-system-history)))
  (sluice-menu--set 'sluice-system-prompt (if (string-blank-p prompt) nil prompt)))

(transient-define-suffix sluice-menu-place ()
  "Have the answer written behind the prompt, or in a buffer of answers."
  :description (lambda ()
                 (sluice-menu--line (sluice-gettext "the answer goes")
                                    (if (eq 'here (sluice-menu--in-buffer (sluice-send-place)))
                                        (sluice-gettext "behind what was sent")
                                      (sluice-gettext "to a buffer of answers"))))
  :transient t
  (interactive)
  (if (sluice-menu--in-buffer (sluice-send-chat-p))
      (message "%s" (sluice-gettext "A chat always answers in itself"))
    (sluice-menu--set 'sluice-answer-place
                      (if (eq 'here (sluice-menu--value 'sluice-answer-place)) 'buffer 'here))))

(transient-define-suffix sluice-menu-send ()
  "Send the region, or the text at point."
  :description (lambda ()
                 (sluice-menu--in-buffer
                   (cond ((use-region-p) (sluice-gettext "send the region"))
                         (sluice-send-source-function (sluice-gettext "send the chat up to point"))
                         (t (sluice-gettext "send the paragraph")))))
  (interactive)
  (sluice-send))

;;;; The menu

;;;###autoload (autoload 'sluice-menu "sluice-transient" nil t)
(transient-define-prefix sluice-menu ()
  "Say what would go where, change that, and send."
  ;; Else columns are aligned by the number of letters, some of which are wide.
  :variable-pitch t
  [:description sluice-menu--heading
   ("s" sluice-menu-send)]
  [:description (lambda () (sluice-gettext "To"))
   ("h" sluice-menu-host)
   ("m" sluice-menu-model)
   ("y" sluice-menu-system)
   ("o" sluice-menu-place)]
  [[:description (lambda () (sluice-gettext "Otherwise"))
    ("p" (lambda () (sluice-gettext "ask in the minibuffer")) sluice-prompt)
    ("r" (lambda () (sluice-gettext "rewrite the region")) sluice-rewrite)
    ("c" (lambda () (sluice-gettext "chat")) sluice-chat)
    ("k" (lambda () (sluice-gettext "stop an answer")) sluice-abort)
    ("u" (lambda () (sluice-gettext "remove an answer")) sluice-undo-answer)]
   [:description (lambda () (sluice-gettext "See"))
    ("q" (lambda () (sluice-gettext "queue")) sluice-queue)
    ("l" (lambda () (sluice-gettext "limits")) sluice-limits)
    ("L" (lambda () (sluice-gettext "log")) sluice-log)
    ("$" (lambda () (sluice-gettext "what was used")) sluice-usage)
    ("e" (lambda () (sluice-gettext "explain the last failure")) sluice-explain-last)
    ("w" (lambda () (sluice-gettext "copy the last call as curl")) sluice-copy-curl)
    ("D" (lambda () (sluice-gettext "what is wrong here")) sluice-doctor)]]
  (interactive)
  (setq sluice-menu--buffer (current-buffer)
        sluice-menu--pools (and (sluice-connection)
                                (ignore-errors (plist-get (sluice-ask "limits") :pools))))
  (transient-setup 'sluice-menu))

(provide 'sluice-transient)
;;; sluice-transient.el ends here
