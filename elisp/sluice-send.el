;;; sluice-send.el --- Send the text at point, or a prompt -*- lexical-binding: t; -*-

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

;; `sluice-send' sends the region, else the paragraph at point; in a buffer of
;; `sluice-chat' it is all turns up to point.  `sluice-prompt' reads what to send in the
;; minibuffer.  Large texts are announced before they go, and the same prompt does not go
;; twice by accident.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-answer)
(require 'sluice-chat)
(require 'sluice-estimate)

(defcustom sluice-confirm-tokens 2000
  "Ask before more than so many tokens are sent.  Nil: never ask."
  :type '(choice (const :tag "Never" nil) natnum)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-answer-place 'here
  "Where the answer to `sluice-send' is written."
  :type '(choice (const :tag "Behind what was sent" here)
                 (const :tag "In a buffer of answers" buffer))
  :safe #'symbolp
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(cl-defstruct (sluice-parcel (:constructor sluice-parcel) (:copier nil))
  "What is about to be sent from the current buffer."
  messages
  begin end                             ; of its text
  heading                               ; above the answer, when it is written here
  (system sluice-system-prompt)
  on-end)                               ; see `sluice-chat-start'

(defvar-local sluice-send-source-function nil
  "Function that returns the `sluice-parcel' of this buffer for `sluice-send'.
Without one it is the paragraph at point.")

(defvar sluice-prompt-history nil
  "What was asked with `sluice-prompt'.")

;;;; What is sent

(defun sluice-send--paragraph ()
  "Return (BEGIN . END) of the paragraph at point."
  (save-excursion
    (let ((end (progn (forward-paragraph) (skip-chars-backward " \t\n") (point)))
          (begin (progn (backward-paragraph) (skip-chars-forward " \t\n") (point))))
      (cons (min begin end) end))))

(defun sluice-send--text (bounds)
  "Return the parcel of the text between BOUNDS, a (BEGIN . END)."
  (sluice-parcel
   :messages (list (sluice-chat-message
                    "user" (buffer-substring-no-properties (car bounds) (cdr bounds))))
   :begin (car bounds) :end (cdr bounds)))

(defun sluice-send-parcel ()
  "Return what `sluice-send' would send now."
  (cond ((use-region-p)
         (sluice-send--text (cons (region-beginning) (region-end))))
        (sluice-send-source-function (funcall sluice-send-source-function))
        (t (sluice-send--text (sluice-send--paragraph)))))

(defun sluice-send-chat-p ()
  "Return non-nil if `sluice-send' would send a chat now."
  (and sluice-send-source-function (not (use-region-p))))

(defun sluice-send-place ()
  "Return where the answer to `sluice-send' is written now, `here' or `buffer'.
A chat answers in itself, else the next question would go without the answer."
  (if (sluice-send-chat-p) 'here sluice-answer-place))

(defun sluice-send-empty-p (parcel)
  "Return non-nil if there is nothing in PARCEL."
  (cl-every (lambda (message) (string-blank-p (plist-get message :content)))
            (sluice-parcel-messages parcel)))

(defun sluice-send-tokens (parcel)
  "Return about how many tokens PARCEL is."
  (sluice-estimate-messages (sluice-parcel-messages parcel) (sluice-parcel-system parcel)))

;;;; Questions before it goes

(defun sluice-send--lines (parcel)
  "Return how many lines the messages of PARCEL have."
  (cl-loop for message in (sluice-parcel-messages parcel)
           sum (length (split-string (string-trim-right (plist-get message :content)) "\n"))))

(defun sluice-send--ask-large (parcel)
  "Return non-nil if PARCEL shall go, which is so large that the user is asked."
  (let* ((lines (sluice-send--lines parcel))
         (tokens (sluice-estimate-number (sluice-send-tokens parcel)))
         (choice (read-char-choice
                  (if (= lines 1)
                      (sluice-gettext "Send 1 line (≈%s tokens) to %s? (s send, e edit, C-g) "
                                      tokens (sluice-current-host))
                    (sluice-gettext "Send %d lines (≈%s tokens) to %s? (s send, e edit, C-g) "
                                    lines tokens (sluice-current-host)))
                  '(?s ?e))))
    (eq choice ?s)))

(defun sluice-send--edit (parcel)
  "Select the text of PARCEL, for the user to change it."
  (goto-char (sluice-parcel-end parcel))
  (push-mark (sluice-parcel-begin parcel) t t)
  (message "%s" (sluice-gettext "Nothing was sent.  Change it, then send again")))

(defun sluice-send--being-answered-p (parcel)
  "Return non-nil if an answer to the messages of PARCEL is on its way here."
  (cl-find (sluice-parcel-messages parcel) (sluice-chat--of-buffer (current-buffer))
           :key #'sluice-chat-messages :test #'equal))

(defun sluice-send--confirm (parcel)
  "Return non-nil if PARCEL shall go; ask where that is in doubt."
  (cond ((sluice-send-empty-p parcel)
         (user-error "%s" (sluice-gettext
                           "There is nothing to send here: select text or go to a paragraph")))
        ((and (sluice-send--being-answered-p parcel)
              (not (y-or-n-p (sluice-gettext
                              "This is being answered already.  Send it a second time? "))))
         (message "%s" (sluice-gettext "Not sent a second time"))
         nil)
        ((not (and sluice-confirm-tokens
                   (> (sluice-send-tokens parcel) sluice-confirm-tokens)))
         t)
        ((sluice-send--ask-large parcel) t)
        (t (sluice-send--edit parcel) nil)))

;;;; Commands

(defun sluice-send--quoted (text)
  "Return TEXT as the heading of an answer that stands far from it."
  (let ((lines (split-string (string-trim text) "\n")))
    (propertize (concat (mapconcat (lambda (line) (concat "> " line)) (seq-take lines 5) "\n")
                        (if (nthcdr 5 lines) "\n> …" "")
                        "\n\n")
                'face 'shadow)))

(defun sluice-send--start (parcel place)
  "Send PARCEL; its answer is written to PLACE, `here' or `buffer'."
  (let ((buffer (current-buffer)))
    (sluice-chat-start
     (sluice-parcel-messages parcel)
     (lambda (id)
       (if (eq place 'here)
           (sluice-answer-open id buffer (sluice-parcel-end parcel)
                               (sluice-parcel-heading parcel))
         (sluice-answer-open-elsewhere
          id buffer (sluice-send--quoted
                     (plist-get (car (last (sluice-parcel-messages parcel))) :content)))))
     :system (sluice-parcel-system parcel)
     :on-end (and (eq place 'here) (sluice-parcel-on-end parcel)))))

;;;###autoload
(defun sluice-send ()
  "Send the region, or the paragraph at point, to `sluice-model'.
In a buffer of `sluice-chat' send all turns up to point.  The answer comes in
behind it, or where `sluice-answer-place' says, but a chat answers in itself.
\\[sluice-abort] stops it."
  (interactive)
  (let ((parcel (sluice-send-parcel)) (place (sluice-send-place)))
    (when (sluice-send--confirm parcel)
      (deactivate-mark)
      (sluice-send--start parcel place))))

;;;###autoload
(defun sluice-prompt (prompt &optional here)
  "Send PROMPT, which is read in the minibuffer, to `sluice-model'.
There the key of `next-history-element' inserts the region.  The answer comes
in the buffer *Sluice answer*; with prefix argument HERE it comes at point."
  (interactive
   (list (read-from-minibuffer
          (sluice-gettext "Ask %s: " sluice-model) nil nil nil 'sluice-prompt-history
          (and (use-region-p)
               (buffer-substring-no-properties (region-beginning) (region-end))))
         current-prefix-arg))
  (when (string-blank-p prompt)
    (user-error "%s" (sluice-gettext "Nothing was sent, since you asked nothing.  Ask again, and \
type the question")))
  (let ((parcel (sluice-parcel :messages (list (sluice-chat-message "user" prompt))
                               :begin (point) :end (point))))
    (when (sluice-send--confirm parcel)
      (sluice-send--start parcel (if here 'here 'buffer)))))

(provide 'sluice-send)
;;; sluice-send.el ends here
