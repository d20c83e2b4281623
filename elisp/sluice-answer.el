;;; sluice-answer.el --- Text that streams into a buffer -*- lexical-binding: t; -*-

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

;; The place in a buffer where an answer is written, piece by piece, while the user
;; goes on working.  One undo takes the whole answer away, unless the user edited in
;; the meantime: then those edits stay steps of their own.  An answer whose buffer is
;; read-only or was killed goes to a buffer of its own.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'text-property-search)
(require 'sluice-words)

(defface sluice-waiting '((t :inherit shadow))
  "Face of the text that says that a call waits."
  :group 'sluice)

(cl-defstruct (sluice-answer (:constructor sluice-answer--make) (:copier nil))
  "The place where an answer is written."
  id                                    ; marks its text, see `sluice-undo-answer'
  home                                  ; the buffer where it should go
  heading                               ; what stands above it, or nil
  headed                                ; non-nil when it stands there already
  own                                   ; non-nil in the buffer for such answers
  start end                             ; markers around what was written
  (pieces nil)                          ; what has come, newest first
  handle tick                           ; undo: see `sluice-answer--insert'
  undone                                ; non-nil when the user has undone some of it
  overlay)                              ; what is shown while it waits

(defvar-local sluice-answer--open nil
  "The answers that are being written to this buffer, newest first.")

(defun sluice-answer-open (id buffer position &optional heading)
  "Return a place for the answer ID at POSITION of BUFFER, under HEADING.
If nothing can be inserted there, it is in the buffer for such answers."
  (let ((answer (sluice-answer--make :id id :home buffer :heading heading)))
    (if (with-current-buffer buffer (sluice-answer--writable-p position))
        (sluice-answer--aim answer buffer position)
      (sluice-answer--aim-elsewhere answer))
    answer))

(defun sluice-answer-open-elsewhere (id home &optional heading)
  "Return a place in the buffer of answers for the answer ID, under HEADING.
HOME is the buffer from which it was asked for."
  (let ((answer (sluice-answer--make :id id :home home :heading heading)))
    (sluice-answer--aim-elsewhere answer)
    answer))

(defun sluice-answer-close (answer)
  "Note that nothing more is written to ANSWER."
  (sluice-answer-show answer nil)
  (when (sluice-answer-buffer answer)
    (with-current-buffer (sluice-answer-buffer answer)
      (when (and (sluice-answer-headed answer) (sluice-answer-empty-p answer)
                 (not buffer-read-only))
        (sluice-answer--delete (sluice-answer-id answer)))
      (setq sluice-answer--open (delq answer sluice-answer--open))
      (unless sluice-answer--open
        (remove-hook 'before-change-functions #'sluice-answer--watch-undo t)))))

(cl-defgeneric sluice-answer-buffer (answer)
  "Return the buffer to which ANSWER is written, or nil if it was killed."
  (marker-buffer (sluice-answer-end answer)))

(cl-defgeneric sluice-answer-bound-p (answer)
  "Return non-nil if ANSWER has no other place when its buffer is killed."
  (sluice-answer-own answer))

(defun sluice-answer-empty-p (answer)
  "Return non-nil if nothing has been written to ANSWER."
  (null (sluice-answer-pieces answer)))

(cl-defgeneric sluice-answer-removed-p (answer)
  "Return non-nil if the user has undone some of ANSWER, or removed all of it."
  (or (sluice-answer-undone answer)
      (and (sluice-answer-pieces answer)
           (sluice-answer-buffer answer)
           (= (sluice-answer-start answer) (sluice-answer-end answer)))))

(cl-defgeneric sluice-answer-at-point-p (answer)
  "Return non-nil if point is in ANSWER or at one of its ends."
  (and (eq (current-buffer) (sluice-answer-buffer answer))
       (<= (sluice-answer-start answer) (point) (sluice-answer-end answer))))

(cl-defgeneric sluice-answer-add (answer text)
  "Write TEXT, the next piece of ANSWER."
  (unless (string-empty-p text)
    (push text (sluice-answer-pieces answer))
    (if (not (sluice-answer-buffer answer))
        (sluice-answer--move answer)
      (condition-case nil
          (progn (sluice-answer--head answer)
                 (sluice-answer--insert answer text))
        (buffer-read-only (sluice-answer--move answer))))))

;;;; Where it goes

(defun sluice-answer--writable-p (position)
  "Return non-nil if text can be inserted at POSITION of the current buffer."
  (not (or buffer-read-only
           (and (< position (point-max)) (get-text-property position 'read-only)))))

(defun sluice-answer--aim (answer buffer position)
  "Have ANSWER written at POSITION of BUFFER from now on."
  (with-current-buffer buffer
    (setf (sluice-answer-start answer) (copy-marker position)
          (sluice-answer-end answer) (copy-marker position)
          (sluice-answer-handle answer) nil)
    (push answer sluice-answer--open)
    (add-hook 'before-change-functions #'sluice-answer--watch-undo nil t)))

(defun sluice-answer--watch-undo (begin end)
  "Note whose text between BEGIN and END is lost to an undo of the user."
  (when (and undo-in-progress (< begin end))
    (dolist (answer sluice-answer--open)
      (when (and (< begin (sluice-answer-end answer)) (> end (sluice-answer-start answer)))
        (setf (sluice-answer-undone answer) t)))))

(defun sluice-answer--own-buffer ()
  "Return the buffer for homeless answers, or another if that is read-only."
  (let ((buffer (get-buffer-create "*Sluice answer*")))
    (if (buffer-local-value 'buffer-read-only buffer)
        (generate-new-buffer (buffer-name buffer))
      buffer)))

(defun sluice-answer--aim-elsewhere (answer)
  "Have ANSWER written at the end of the buffer for homeless answers, and show it.
Its heading stands there at once, so that later ones come behind it."
  (let ((buffer (sluice-answer--own-buffer)))
    (with-current-buffer buffer
      (unless (derived-mode-p 'text-mode) (text-mode))
      (setf (sluice-answer-own answer) t
            (sluice-answer-headed answer) nil)
      (sluice-answer--aim answer buffer (point-max)))
    (display-buffer buffer)
    (sluice-answer--head answer)
    (with-current-buffer buffer
      (set-marker (sluice-answer-start answer)
                  (- (sluice-answer-end answer) (length (sluice-answer-heading answer)))))
    ;; A minibuffer that is left takes the windows back to where they were.
    (dolist (window (get-buffer-window-list buffer nil t))
      (set-window-point window (sluice-answer-end answer)))))

(defun sluice-answer--move (answer)
  "Write ANSWER elsewhere from now on, beginning with what has come already.
Its buffer was killed or became read-only."
  (sluice-answer-close answer)
  (sluice-answer--aim-elsewhere answer)
  (sluice-answer--insert answer (string-join (reverse (sluice-answer-pieces answer)))))

(defun sluice-answer--head (answer)
  "Insert what stands around the text of ANSWER, unless it stands there."
  (unless (sluice-answer-headed answer)
    (with-current-buffer (sluice-answer-buffer answer)
      (let ((head (concat (sluice-answer--gap answer) (sluice-answer-heading answer)))
            (behind (sluice-answer--gap-behind answer)))
        (unless (string-empty-p (concat head behind))
          (sluice-answer--insert answer head behind))))
    (setf (sluice-answer-headed answer) t)))

(defun sluice-answer--gap (answer)
  "Return the newlines that part ANSWER from the text before it."
  (if (not (sluice-answer-buffer answer))
      ""
    (with-current-buffer (sluice-answer-buffer answer)
      (save-excursion
        (save-restriction
          (widen)
          (goto-char (sluice-answer-end answer))
          (cond ((bobp) "")
                ;; Of an answer that ends here more will come.
                ((seq-some (lambda (other) (and (sluice-answer-headed other)
                                                (= (point) (sluice-answer-end other))))
                           (remq answer sluice-answer--open))
                 "\n\n")
                ((looking-back "\n\n" (max (point-min) (- (point) 2))) "")
                ((bolp) "\n")
                (t "\n\n")))))))

;;;; How it is inserted

(defun sluice-answer--insert (answer text &optional behind)
  "Insert TEXT at the end of ANSWER, and BEHIND behind it.
All insertions between two edits of the user become one step of undo: when the
buffer is as we left it, they are merged with the step before."
  (with-current-buffer (sluice-answer-buffer answer)
    (barf-if-buffer-read-only)
    (unless (and (sluice-answer-handle answer)
                 (eql (sluice-answer-tick answer) (buffer-chars-modified-tick)))
      (undo-boundary)
      (setf (sluice-answer-handle answer) (prepare-change-group)))
    ;; Point follows the answer only if it stands at its end, in each window.
    (let ((windows (sluice-answer--following answer)))
      (if (= (point) (sluice-answer-end answer))
          (sluice-answer--put answer text behind)
        (save-excursion (sluice-answer--put answer text behind)))
      (dolist (window windows)
        (set-window-point window (sluice-answer-end answer))))
    (undo-amalgamate-change-group (sluice-answer-handle answer))
    (setf (sluice-answer-tick answer) (buffer-chars-modified-tick))))

(defun sluice-answer--following (answer)
  "Return the windows of the current buffer whose point is at the end of ANSWER."
  (seq-filter (lambda (window) (= (window-point window) (sluice-answer-end answer)))
              (get-buffer-window-list nil nil t)))

(defun sluice-answer--put (answer text &optional behind)
  "Put TEXT at the end of ANSWER, point behind it, and BEHIND behind that.
Text with the property `sluice-next' is no part of the answer: it is what was
made ready behind it."
  (save-restriction
    (widen)
    (goto-char (sluice-answer-end answer))
    (let ((place (point))
          (others (and (cdr sluice-answer--open) (sluice-answer--touching answer))))
      (insert (propertize text (if (get-text-property 0 'sluice-next text) 'sluice-next 'sluice-answer)
                          (sluice-answer-id answer)
                          'rear-nonsticky t))
      (set-marker (sluice-answer-end answer) (point))
      (when (or behind others)
        (save-excursion
          (when behind
            (insert (propertize behind 'sluice-answer (sluice-answer-id answer) 'rear-nonsticky t)))
          (dolist (other others)
            (sluice-answer--part other place (memq answer (memq other sluice-answer--open)))))))))

(defun sluice-answer--touching (answer)
  "Return the other answers here that begin, or have their note, at point.
Point is where ANSWER is written."
  (seq-filter (lambda (other)
                (and (not (eq other answer))
                     (or (= (point) (sluice-answer-start other))
                         (when-let* ((note (sluice-answer-overlay other)))
                           (eql (point) (overlay-start note))))))
              sluice-answer--open))

(defun sluice-answer--part (other place younger)
  "Part OTHER from the answer that was written at PLACE, where it touches it.
That ends at point now; OTHER stands behind it if it begins there and there is
text of it, or if it is YOUNGER."
  (let ((note (sluice-answer-overlay other)))
    (cond ((and (= place (sluice-answer-start other))
                (or younger (> (sluice-answer-end other) place)))
           (set-marker (sluice-answer-start other) (point))
           (set-marker (sluice-answer-end other) (max (point) (sluice-answer-end other))))
          ((and note (eql (point) (overlay-start note))) ; it has gone along
           (move-overlay note place place)))))

(defun sluice-answer--gap-behind (answer)
  "Return the newlines that part ANSWER from another one behind it."
  (save-excursion
    (save-restriction
      (widen)
      (goto-char (sluice-answer-end answer))
      (let ((id (and (not (eobp)) (sluice-answer--at (point)))))
        (if (or (null id) (eql id (sluice-answer-id answer)))
            ""
          (make-string (- 2 (skip-chars-forward "\n" (min (point-max) (+ 2 (point))))) ?\n))))))

;; What a person copies out of an answer is that person's text.
(when (listp yank-excluded-properties)  ; t: none is yanked at all
  (dolist (property '(sluice-answer sluice-next))
    (add-to-list 'yank-excluded-properties property)))

(defun sluice-answer--at (position)
  "Return the id of the answer to which the text at POSITION belongs, or nil."
  (or (get-text-property position 'sluice-answer)
      (get-text-property position 'sluice-next)))

(defun sluice-answer--before ()
  "Return the id of the answer that ends at point, or nil."
  (and (not (bobp)) (sluice-answer--at (1- (point)))))

(defun sluice-answer--delete (id)
  "Delete the text of the answer ID in the current buffer."
  (save-excursion
    (save-restriction
      (widen)
      (let ((found nil))
        (goto-char (point-min))
        (while (setq found (text-property-search-forward 'sluice-answer id #'eql))
          (delete-region (prop-match-beginning found) (prop-match-end found)))))))

;;;###autoload
(defun sluice-undo-answer ()
  "Remove the answer at point, or the one that ends at point.
This works also when undo would take back later edits with it.  In a chat the
heading behind it goes along, unless something is written there."
  (interactive)
  (let ((id (or (and (eolp) (sluice-answer--before))
                (sluice-answer--at (point))
                (sluice-answer--before)
                (user-error "%s" (sluice-gettext "There is no answer of Sluice at point"))))
        (found nil))
    (save-excursion
      (sluice-answer--delete id)
      (goto-char (point-min))
      (setq found (text-property-search-forward 'sluice-next id #'eql))
      (when (and found (looking-at-p "[ \t\n]*\\'"))
        (delete-region (prop-match-beginning found) (prop-match-end found))))))

;;;; Notes beside the text

(defun sluice-note-overlay (position)
  "Return an overlay at POSITION, a marker, for a note that is no text.
What a person types there stands before the note."
  (make-overlay position position (marker-buffer position) t t))

(defun sluice-note-text (text buffer)
  "Return TEXT in brackets, filled so that it is seen whole where BUFFER is shown.
Where lines are truncated, the rest of a long one would not be seen."
  (let ((width (apply #'min 79 (mapcar #'window-body-width (get-buffer-window-list buffer nil t))))
        (whole (format "[%s]" text)))
    (if (<= (apply #'max (mapcar #'string-width (split-string whole "\n"))) width)
        whole
      (with-temp-buffer
        (let ((fill-column (max 20 (1- width))) (fill-prefix " "))
          (insert whole)
          (fill-region (point-min) (point-max) nil t)
          (string-trim-right (buffer-string)))))))

(defun sluice-note-show (overlay text face)
  "Show TEXT with FACE below the line of OVERLAY, which is empty.
The cursor stays behind the text of the buffer, where what is typed will stand."
  (overlay-put
   overlay 'after-string
   ;; Point is drawn behind such a string unless a character of it has this property; a
   ;; newline is no place where a cursor can be.
   (concat (propertize " " 'cursor t)
           (propertize (concat "\n" (sluice-note-text text (overlay-buffer overlay))) 'face face)
           (with-current-buffer (overlay-buffer overlay)
             (save-excursion (goto-char (overlay-start overlay)) (if (eolp) "" "\n"))))))

;;;; What is shown of an answer that broke off

(defface sluice-broken '((t :inherit warning))
  "Face of the remark that an answer is not complete."
  :group 'sluice)

(cl-defgeneric sluice-answer-mark-broken (answer)
  "Show behind ANSWER that it broke off, if something of it has come.
The remark is no text, and goes when the answer is removed."
  (let ((buffer (sluice-answer-buffer answer)))
    (when (and buffer (not (sluice-answer-empty-p answer)))
      (with-current-buffer buffer
        (save-restriction
          (widen)
          (let* ((end (sluice-answer-end answer))
                 (mark (make-overlay (max (point-min) (1- end)) end buffer t nil)))
            (overlay-put mark 'evaporate t)
            (overlay-put mark 'sluice-broken t)
            (overlay-put mark 'after-string
                         (propertize
                          (concat "\n" (sluice-note-text (sluice-gettext "The answer broke off here; \
it is not complete") buffer))
                          'face 'sluice-broken))))))))

;;;; What is shown while it waits

(cl-defgeneric sluice-answer-show (answer text)
  "Show TEXT where ANSWER will stand; nil means nothing any more.
It is an overlay: not in the text, nor in the undo history, nor in files."
  (let ((overlay (sluice-answer-overlay answer)))
    (cond ((and text (sluice-answer-buffer answer))
           (unless (and overlay (overlay-buffer overlay))
             (setq overlay (sluice-note-overlay (sluice-answer-end answer)))
             (setf (sluice-answer-overlay answer) overlay))
           (sluice-note-show overlay text 'sluice-waiting))
          (overlay (delete-overlay overlay)
                   (setf (sluice-answer-overlay answer) nil)))))

(provide 'sluice-answer)
;;; sluice-answer.el ends here
