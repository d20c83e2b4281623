;;; sluice-conversation.el --- A buffer in which one talks with a model -*- lexical-binding: t; -*-

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

;; `sluice-chat' opens a buffer of turns.  Each begins with a line that names who speaks,
;; so that a chat can be saved, read again and changed like any other text.  When you
;; send, all turns up to point go along.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-answer)
(require 'sluice-chat)
(require 'sluice-send)

(defface sluice-turn '((t :inherit font-lock-keyword-face :weight bold))
  "Face of the lines that say who speaks."
  :group 'sluice)

(defconst sluice-conversation--turn
  "^=== \\(user\\|assistant\\|system\\) ===[ \t]*$"
  "The line above a turn; the roles are the ones of the providers' APIs.")

(defun sluice-conversation--heading (role)
  "Return the line above a turn of ROLE, with an empty line below."
  (propertize (format "=== %s ===\n\n" role) 'sluice-turn t))

(defvar sluice-chat-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c C-c") #'sluice-send)
    (define-key map (kbd "C-c C-k") #'sluice-abort)
    (define-key map (kbd "C-c C-u") #'sluice-undo-answer)
    (define-key map (kbd "C-c C-n") #'sluice-conversation-next)
    (define-key map (kbd "C-c C-p") #'sluice-conversation-previous)
    map)
  "Keys in a chat.")

(define-derived-mode sluice-chat-mode text-mode "Sluice chat"
  "A chat with a language model.
Write below the last line \"=== user ===\", then
\\<sluice-chat-mode-map>\\[sluice-send] sends all turns up to point.
\\[sluice-abort] stops the answer, \\[sluice-undo-answer] removes one."
  (setq-local sluice-send-source-function #'sluice-conversation--parcel)
  (setq-local font-lock-defaults `(((,sluice-conversation--turn . 'sluice-turn)) t))
  (setq-local header-line-format '(:eval (sluice-conversation--header)))
  (visual-line-mode 1))

(defun sluice-conversation--header ()
  "Return the header line: with whom one talks, and the keys."
  (string-replace
   "%" "%%"
   (substitute-command-keys
    (sluice-gettext "%s at %s · \\<sluice-chat-mode-map>\\[sluice-send] sends · \
\\[sluice-abort] stops" (sluice-current-model) (sluice-current-host)))))

;;;###autoload
(defun sluice-chat (&optional new)
  "Go to the buffer in which one talks with a model.
With prefix argument NEW begin another one."
  (interactive "P")
  (let ((buffer (if new (generate-new-buffer "*Sluice chat*")
                  (get-buffer-create "*Sluice chat*"))))
    (with-current-buffer buffer
      (unless (derived-mode-p 'sluice-chat-mode) (sluice-chat-mode))
      (when (zerop (buffer-size))
        (insert (sluice-conversation--heading "user"))))
    (pop-to-buffer buffer)
    (goto-char (point-max))))

;;;; Turns

(defun sluice-conversation--find (limit)
  "Go behind the next heading of a turn before LIMIT; return its role.
A line of an answer that only looks like one does not count."
  (let ((role nil))
    (while (and (not role) (re-search-forward sluice-conversation--turn limit t))
      (when (or (get-text-property (match-beginning 0) 'sluice-turn)
                (not (get-text-property (match-beginning 0) 'sluice-answer)))
        (setq role (match-string-no-properties 1))))
    role))

(defun sluice-conversation--turns (end)
  "Return what was said up to END, oldest first, each as (ROLE TEXT)."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (point-min))
      (let ((role "user") (begin (point-min)) (turns nil) next)
        (while role
          (setq next (sluice-conversation--find end))
          (push (list role (string-trim (buffer-substring-no-properties
                                         begin (if next (match-beginning 0) end))))
                turns)
          (setq role next begin (point)))
        (nreverse (cl-remove "" turns :key #'cadr :test #'equal))))))

(defun sluice-conversation--parcel ()
  "Return the parcel of all that was said up to point."
  (let* ((turns (sluice-conversation--turns (point)))
         (system (mapcar #'cadr (cl-remove "system" turns :key #'car :test-not #'equal)))
         (spoken (cl-remove "system" turns :key #'car :test #'equal)))
    (unless (equal "user" (caar (last spoken)))
      (user-error "%s" (sluice-gettext
                        "There is no question before point: write one below the last turn")))
    (sluice-parcel
     :messages (mapcar (lambda (turn) (apply #'sluice-chat-message turn)) spoken)
     :begin (save-excursion (sluice-conversation-previous) (point))
     :end (save-excursion (skip-chars-backward " \t\n") (point))
     :heading (sluice-conversation--heading "assistant")
     :system (if system (string-join system "\n\n") sluice-system-prompt)
     :on-end #'sluice-conversation--ended)))

(defun sluice-conversation--ended (chat _outcome)
  "Begin the user's next turn behind the answer of CHAT, however it has ended.
What was written there while the answer came is in that turn.  Where another
turn follows already, nothing is inserted."
  (let ((answer (sluice-chat-answer chat)))
    (unless (or (sluice-answer-empty-p answer)
                (sluice-answer-removed-p answer)
                (not (eq (sluice-answer-buffer answer) (sluice-answer-home answer)))
                (sluice-conversation--turn-follows-p answer))
      (sluice-answer-add answer
                         (propertize (concat "\n\n" (sluice-conversation--heading "user"))
                                     'sluice-next t)))))

(defun sluice-conversation--turn-follows-p (answer)
  "Return non-nil if the next that stands behind ANSWER is the heading of a turn."
  (with-current-buffer (sluice-answer-buffer answer)
    (save-excursion
      (save-restriction
        (widen)
        (goto-char (sluice-answer-end answer))
        (skip-chars-forward " \t\n")
        (beginning-of-line)
        (and (>= (point) (sluice-answer-end answer))
             (looking-at-p sluice-conversation--turn))))))

(defun sluice-conversation-next (&optional count)
  "Go to the text of the next turn.
With prefix argument COUNT go so many turns on."
  (interactive "p")
  (dotimes (_ (or count 1))
    (if (sluice-conversation--find nil)
        (skip-chars-forward "\n")
      (goto-char (point-max)))))

(defun sluice-conversation-previous (&optional count)
  "Go to the beginning of the text of this turn.
With prefix argument COUNT go so many turns back."
  (interactive "p")
  (dotimes (_ (or count 1))
    (let ((here (point)) (place (point-min)))
      (goto-char (point-min))
      (while (and (sluice-conversation--find here)
                  (progn (skip-chars-forward "\n") (< (point) here)))
        (setq place (point)))
      (goto-char place))))

(provide 'sluice-conversation)
;;; sluice-conversation.el ends here
