;;; sluice-rewrite.el --- Rewrite the region, and look before it is replaced -*- lexical-binding: t; -*-

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

;; `sluice-rewrite' asks a model to rewrite the region.  The new text is shown in place of
;; the old one, which stays in the buffer until you accept.  The keys for that work on the
;; shown text alone.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'diff)
(require 'sluice)
(require 'sluice-answer)
(require 'sluice-chat)
(require 'sluice-send)

(defface sluice-rewrite '((t :inherit highlight))
  "Face of a text that is proposed by `sluice-rewrite'."
  :group 'sluice)

(defcustom sluice-rewrite-prompt
  "You rewrite the text that the user gives you.  What to change: %s
Answer with the new text alone: no introduction, no quotation marks, no remarks."
  "The system prompt of `sluice-rewrite'; %s is what you ask for."
  :type 'string
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defvar sluice-rewrite-history nil
  "What was asked for with `sluice-rewrite'.")

(cl-defstruct (sluice-rewrite (:include sluice-answer)
                              (:constructor sluice-rewrite--make) (:copier nil))
  "A text that is to be replaced."
  region                                ; an overlay over it
  original
  (new "")                              ; what has come of the new one
  ready                                 ; non-nil when that is all
  cut)                                  ; non-nil when the model could not end it

(defvar sluice-rewrite-map
  (let ((map (make-sparse-keymap)))
    (define-key map "a" #'sluice-rewrite-accept)
    (define-key map "k" #'sluice-rewrite-reject)
    (define-key map "d" #'sluice-rewrite-diff)
    map)
  "Keys on a text that is proposed by `sluice-rewrite'.")

;;;; The proposal

(defun sluice-rewrite--open (id begin end)
  "Return the place for the answer ID: a proposal over the text from BEGIN to END."
  (let* ((region (make-overlay begin end nil t nil))
         (rewrite (sluice-rewrite--make
                   :id id :home (current-buffer) :region region
                   :original (buffer-substring-no-properties begin end))))
    (overlay-put region 'sluice-rewrite rewrite)
    (overlay-put region 'keymap sluice-rewrite-map)
    (overlay-put region 'evaporate t)
    (overlay-put region 'priority 100)
    (sluice-rewrite--draw rewrite (sluice-gettext "sent; k gives up"))
    rewrite))

(defun sluice-rewrite--draw (rewrite hint)
  "Show what there is of REWRITE, and HINT above it."
  (let ((region (sluice-rewrite-region rewrite)) (new (sluice-rewrite-new rewrite)))
    (overlay-put region 'before-string
                 (propertize (concat (sluice-note-text hint (overlay-buffer region)) "\n")
                             'face 'sluice-waiting))
    (overlay-put region 'face (if (string-empty-p new) 'shadow 'sluice-rewrite))
    (overlay-put region 'display (if (string-empty-p new) nil
                                   (propertize new 'face 'sluice-rewrite)))))

(defun sluice-rewrite--fitted (rewrite)
  "Return the new text of REWRITE with the white space that was around the old one."
  (let ((original (sluice-rewrite-original rewrite)))
    (string-match "\\`[ \t\n]*" original)
    (let ((before (match-string 0 original)))
      (string-match "[ \t\n]*\\'" original)
      (concat before (string-trim (sluice-rewrite-new rewrite)) (match-string 0 original)))))

(defun sluice-rewrite--changed-p (rewrite)
  "Return non-nil if the old text of REWRITE is not as it was when it was sent."
  (let ((region (sluice-rewrite-region rewrite)))
    (not (and (overlay-buffer region)
              (with-current-buffer (overlay-buffer region)
                (save-restriction
                  (widen)
                  (equal (sluice-rewrite-original rewrite)
                         (buffer-substring-no-properties (overlay-start region)
                                                         (overlay-end region)))))))))

(cl-defmethod sluice-answer-buffer ((rewrite sluice-rewrite))
  "Return the buffer of REWRITE, or nil if it was killed."
  (overlay-buffer (sluice-rewrite-region rewrite)))

(cl-defmethod sluice-answer-bound-p ((_rewrite sluice-rewrite))
  "Return t: without the old text there is nothing to replace."
  t)

(cl-defmethod sluice-answer-mark-broken ((_rewrite sluice-rewrite))
  "Show nothing: a proposal that broke off is taken away."
  nil)

(cl-defmethod sluice-answer-removed-p ((rewrite sluice-rewrite))
  "Return non-nil if the text of REWRITE is not there any more, or another one."
  (sluice-rewrite--changed-p rewrite))

(cl-defmethod sluice-answer-at-point-p ((rewrite sluice-rewrite))
  "Return non-nil if point is on REWRITE."
  (eq rewrite (sluice-rewrite--here)))

(cl-defmethod sluice-answer-add ((rewrite sluice-rewrite) text)
  "Show TEXT behind what has come of REWRITE."
  (push text (sluice-rewrite-pieces rewrite))
  (setf (sluice-rewrite-new rewrite) (concat (sluice-rewrite-new rewrite) text))
  (sluice-rewrite--draw rewrite (sluice-gettext "is being written; k gives up")))

(cl-defmethod sluice-answer-show ((rewrite sluice-rewrite) text)
  "Show TEXT above REWRITE while it waits."
  (when (and text (sluice-answer-buffer rewrite))
    (sluice-rewrite--draw rewrite text)))

(defun sluice-rewrite--ended (chat outcome)
  "Offer the proposal of CHAT if OUTCOME is `done'; else take it away.
So it is with one without a word, which would only delete the old text."
  (let* ((rewrite (sluice-chat-answer chat))
         (blank (string-blank-p (sluice-rewrite-new rewrite))))
    (cond ((or blank (not (eq outcome 'done)) (not (sluice-answer-buffer rewrite)))
           (delete-overlay (sluice-rewrite-region rewrite))
           (when (and blank (eq outcome 'done))
             (message "%s" (sluice-gettext "The model wrote nothing, so the old text stays.  \
Try again in other words, or with another model"))))
          (t (setf (sluice-rewrite-ready rewrite) t
                   (sluice-rewrite-cut rewrite) (sluice-chat-cut-p chat))
             (sluice-rewrite--draw rewrite (sluice-rewrite--keys rewrite))))))

(defun sluice-rewrite--keys (rewrite)
  "Return in words what keys there are on REWRITE, and whether it is whole."
  (let ((keys (sluice-gettext "a accepts · k keeps the old text · d shows the difference")))
    (if (sluice-rewrite-cut rewrite)
        (concat (sluice-gettext "NOT COMPLETE: cut off at the token limit, see `sluice-max-tokens'")
                "\n" keys)
      keys)))

;;;; Commands

;;;###autoload
(defun sluice-rewrite (begin end wish)
  "Have the text between BEGIN and END rewritten according to WISH.
The new text is shown in place of the old one.  On it there are these keys:
\\<sluice-rewrite-map>
\\[sluice-rewrite-accept] accepts it.
\\[sluice-rewrite-reject] rejects it.
\\[sluice-rewrite-diff] shows the difference.

Nothing is changed before you accept.  For a long text you are asked before it
is sent, see `sluice-confirm-tokens'."
  (interactive
   (progn
     (unless (use-region-p)
       (user-error "%s" (sluice-gettext "Select the text first")))
     (list (region-beginning) (region-end)
           (read-string (sluice-gettext "Rewrite it how? ") nil 'sluice-rewrite-history))))
  (barf-if-buffer-read-only)
  (when (cl-some (lambda (overlay) (overlay-get overlay 'sluice-rewrite))
                 (overlays-in begin end))
    (user-error "%s" (sluice-gettext "There is a proposal already: accept it or reject it first")))
  (when (string-blank-p wish)
    (user-error "%s" (sluice-gettext "Nothing was sent, since you did not say what to change.  \
Rewrite again, and say it")))
  (let ((parcel (sluice-parcel
                 :messages (list (sluice-chat-message
                                  "user" (buffer-substring-no-properties begin end)))
                 :begin begin :end end
                 :system (sluice-rewrite--system wish))))
    (when (sluice-send--confirm parcel)
      (deactivate-mark)
      (sluice-chat-start (sluice-parcel-messages parcel)
                         (lambda (id) (sluice-rewrite--open id begin end))
                         :system (sluice-parcel-system parcel)
                         :on-end #'sluice-rewrite--ended)
      ;; Where the keys work.
      (goto-char begin))))

(defun sluice-rewrite--system (wish)
  "Return the system prompt that asks for WISH; other percent signs are text."
  (sluice-settings-check 'sluice-rewrite-prompt)
  (let ((prompt (replace-regexp-in-string
                 "%[s%]" (lambda (place) (if (equal place "%s") wish "%"))
                 sluice-rewrite-prompt t t)))
    (if (string-match-p "\\(?:\\`\\|[^%]\\)\\(?:%%\\)*%s" sluice-rewrite-prompt)
        prompt
      (concat prompt "\n" wish))))

(defun sluice-rewrite--here ()
  "Return the proposal at point, or the one that ends there, or nil."
  (or (get-char-property (point) 'sluice-rewrite)
      (and (> (point) (point-min)) (get-char-property (1- (point)) 'sluice-rewrite))))

(defun sluice-rewrite--needed ()
  "Return the proposal at point; complain if there is none."
  (or (sluice-rewrite--here)
      (user-error "%s" (sluice-gettext "There is no proposal at point"))))

(defun sluice-rewrite-accept ()
  "Replace the old text by the proposed one.  It is one step of undo."
  (interactive)
  (let ((rewrite (sluice-rewrite--needed)))
    (unless (sluice-rewrite-ready rewrite)
      (user-error "%s" (sluice-gettext "It is still being written")))
    (when (sluice-rewrite--changed-p rewrite)
      (user-error "%s" (sluice-gettext "The text has changed since; k takes the proposal away")))
    (barf-if-buffer-read-only)
    (if (not (sluice-rewrite--whole-p rewrite))
        (message "%s" (sluice-gettext "Nothing is replaced yet.  For the whole text: k, then set \
`sluice-max-tokens' higher and rewrite again"))
      (sluice-rewrite--replace rewrite)
      (message "%s" (sluice-gettext "Replaced; undo brings the old text back")))))

(defun sluice-rewrite--whole-p (rewrite)
  "Return non-nil if REWRITE is whole, or shall be accepted as it is."
  (or (not (sluice-rewrite-cut rewrite))
      (yes-or-no-p (sluice-gettext "The new text is cut off at the token limit.  \
Replace the whole old text by this part? "))))

(defun sluice-rewrite--replace (rewrite)
  "Put the new text of REWRITE in place of the old one."
  (let* ((region (sluice-rewrite-region rewrite))
         (begin (overlay-start region)) (end (overlay-end region)))
    (delete-overlay region)
    (undo-boundary)
    (goto-char begin)
    (delete-region begin end)
    (insert (sluice-rewrite--fitted rewrite))
    (undo-boundary)))

(defun sluice-rewrite-reject ()
  "Take the proposal at point away; the old text stays."
  (interactive)
  (let* ((rewrite (sluice-rewrite--needed))
         (chat (gethash (sluice-rewrite-id rewrite) sluice-chat--live)))
    (if chat (sluice-chat--stop chat) (delete-overlay (sluice-rewrite-region rewrite)))
    (message "%s" (sluice-gettext "The old text stays"))))

(defun sluice-rewrite--file (text)
  "Return a new file with TEXT and a newline at its end, without a word about it."
  (let ((file (make-temp-file "sluice")))
    (write-region (if (string-suffix-p "\n" text) text (concat text "\n"))
                  nil file nil 'silent)
    file))

(defun sluice-rewrite--diff-text (old new)
  "Return what the program diff prints for the texts OLD and NEW."
  (let* ((coding-system-for-write 'utf-8-unix) (coding-system-for-read 'utf-8-unix)
         (files (mapcar #'sluice-rewrite--file (list old new))))
    (unwind-protect
        (with-temp-buffer
          (apply #'call-process diff-command nil t nil "-u"
                 "--label" (sluice-gettext "old") "--label" (sluice-gettext "new") files)
          (buffer-string))
      (mapc #'delete-file files))))

(defun sluice-rewrite-diff ()
  "Show in what the proposal at point differs from the old text."
  (interactive)
  (let ((rewrite (sluice-rewrite--needed)))
    (unless (executable-find diff-command)
      (user-error "%s" (sluice-gettext "The program `%s' is missing" diff-command)))
    (let ((text (sluice-rewrite--diff-text (sluice-rewrite-original rewrite)
                                           (sluice-rewrite--fitted rewrite))))
      (with-current-buffer (get-buffer-create "*Sluice diff*")
        (let ((inhibit-read-only t))
          (erase-buffer)
          (insert (if (string-empty-p text) (sluice-gettext "There is no difference") text)))
        (diff-mode)
        (setq buffer-read-only t)
        (goto-char (point-min))
        (display-buffer (current-buffer))))))

(provide 'sluice-rewrite)
;;; sluice-rewrite.el ends here
