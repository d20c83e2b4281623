;;; sluice-estimate.el --- How many tokens it is, and how long it will wait -*- lexical-binding: t; -*-

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

;; What a text costs is judged from classes of characters, with the daemon's own weights,
;; so that nothing has to be asked before something is sent.  How long it waits
;; follows from what the daemon knows of the limits.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice-words)

(defconst sluice-estimate--sample 40000
  "Characters of a long text that are looked at; the rest is taken to be like them.")

(defconst sluice-estimate--pieces 16
  "The sample consists of so many pieces, evenly spaced.")

(defconst sluice-estimate--weights
  '(("[A-Za-z0-9+/=_-]\\{48,\\}" . each-0.7)
    ("[A-Za-z]\\{1,7\\}" . 1)
    ("[0-9]\\{1,3\\}" . 1)
    ("[]!-/:-@[\\^_`{-~]+" . 0.9)
    ("[\r\n]+[ \t]*" . 0.6))
  "What a match of each expression costs; `each-0.7': each of its characters.")

(defconst sluice-estimate--message 4
  "Tokens of a message beside its text.")

(defun sluice-estimate--beyond-ascii (char)
  "Return the tokens of CHAR, which is not ASCII.
These are weights of the newer vocabularies."
  (cond ((or (<= #x1100 char #x11ff) (<= #x3130 char #x318f) (<= #xac00 char #xd7af)) 0.75)
        ((or (<= #x3400 char #x4dbf) (<= #x4e00 char #x9fff) (<= #xf900 char #xfaff)) 0.75)
        ((<= #x3040 char #x30ff) 0.80)
        (t 0.26)))

(defun sluice-estimate--count ()
  "Return the tokens of the current buffer, and empty it of what was counted."
  (let ((total 0.0))
    (pcase-dolist (`(,regexp . ,weight) sluice-estimate--weights)
      (goto-char (point-min))
      (while (re-search-forward regexp nil t)
        (setq total (+ total (if (numberp weight) weight
                               (* 0.7 (- (match-end 0) (match-beginning 0))))))
        (unless (numberp weight) (replace-match " " t t))))
    (goto-char (point-min))
    (while (re-search-forward "[^[:ascii:]]" nil t)
      (setq total (+ total (sluice-estimate--beyond-ascii (char-before)))))
    total))

(defun sluice-estimate--text (text)
  "Return the tokens of TEXT, which is not too long."
  (with-temp-buffer
    (let ((case-fold-search nil))
      (insert text)
      (sluice-estimate--count))))

(defun sluice-estimate-tokens (text)
  "Return about how many tokens TEXT is, a whole number."
  (let ((length (length text)) (size (/ sluice-estimate--sample sluice-estimate--pieces)))
    (ceiling
     (if (<= length sluice-estimate--sample)
         (sluice-estimate--text text)
       (let ((step (/ (- length size) (float (1- sluice-estimate--pieces)))))
         (* (cl-loop for n below sluice-estimate--pieces
                     for begin = (truncate (* n step))
                     sum (sluice-estimate--text (substring text begin (+ begin size))))
            (/ length (float (* size sluice-estimate--pieces)))))))))

(defun sluice-estimate-messages (messages &optional system)
  "Return about how many tokens MESSAGES, under the prompt SYSTEM, are."
  (+ (if system (+ sluice-estimate--message (sluice-estimate-tokens system)) 0)
     (cl-loop for message in messages
              sum (+ sluice-estimate--message
                     (sluice-estimate-tokens (plist-get message :content))))))

;;;; How long it waits

(defun sluice-estimate--pool (pools host model)
  "Return that of POOLS which is for MODEL at HOST, or nil."
  (let ((there (cl-remove-if-not (lambda (pool) (equal host (plist-get pool :host))) pools)))
    (or (cl-find model there :key (lambda (pool) (plist-get pool :group)) :test #'equal)
        (and (null (cdr there)) (car there)))))

(defun sluice-estimate--dim-wait (dim tokens)
  "Return the seconds that the limit DIM has a call of TOKENS wait."
  (let* ((cost (pcase (plist-get dim :dimension)
                 ("requests" 1) ((or "tokens" "input_tokens") tokens) (_ 0)))
         (left (plist-get dim :remaining)) (limit (plist-get dim :limit))
         (period (plist-get dim :period_s))
         (short (if left (- cost left) 0)))
    (max (or (plist-get dim :held_s) 0)
         (cond ((<= short 0) 0)
               ((and (equal (plist-get dim :shape) "bucket") period limit (> limit 0))
                (/ (* period short) (float limit)))
               (t (or (plist-get dim :full_in_s) period 0))))))

(defun sluice-estimate-wait (pools tokens host model)
  "Return the seconds that a call of TOKENS for MODEL at HOST will wait.
POOLS is what the daemon says of the limits.  Nil: it cannot be told, since
nothing is known yet or other calls wait before it."
  (when-let* ((pool (sluice-estimate--pool pools host model)))
    (and (plist-get pool :dims)
         (zerop (or (plist-get pool :waiting) 0))
         (not (plist-get pool :blocked))
         (apply #'max (mapcar (lambda (dim) (sluice-estimate--dim-wait dim tokens))
                              (plist-get pool :dims))))))

;;;; Words

(defun sluice-estimate-number (number)
  "Return NUMBER with commas between thousands."
  (let ((text (number-to-string number)))
    (while (string-match "\\`\\([0-9]+\\)\\([0-9][0-9][0-9]\\)" text)
      (setq text (replace-match "\\1,\\2" t nil text)))
    text))

(defun sluice-estimate-words (tokens &optional wait)
  "Return TOKENS and WAIT, seconds or nil, in words: \"1,240 tokens, ~0.4 s wait\"."
  (let ((number (sluice-estimate-number tokens)))
    (cond ((null wait) (sluice-gettext "%s tokens" number))
          ((zerop wait) (sluice-gettext "%s tokens, no wait" number))
          ((< wait 10) (sluice-gettext "%s tokens, ~%.1f s wait" number wait))
          (t (sluice-gettext "%s tokens, ~%d s wait" number (ceiling wait))))))

(provide 'sluice-estimate)
;;; sluice-estimate.el ends here
