;;; sluice-words.el --- What the package says, in the language of the person -*- lexical-binding: t; -*-

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

;; All that this package says is written in English where it is said, as the argument
;; of `sluice-gettext', which is what the trade calls this: the English text is the key.
;; The other languages are tables, one file each, loaded when somebody needs them.

;;; Code:

(require 'seq)
(require 'subr-x)

(defvar sluice-language)

(defvar sluice-words-tables (make-hash-table :test #'equal)
  "Languages, and a hash table from English to the language for each.")

(defun sluice-words-define (language pairs)
  "Give LANGUAGE the words PAIRS, a list of (ENGLISH TRANSLATION)."
  (let ((table (make-hash-table :test #'equal :size (length pairs))))
    (pcase-dolist (`(,english ,translation) pairs)
      (puthash english translation table))
    (puthash language table sluice-words-tables)))

(defvar sluice-words-heard nil
  "The language that the daemon has said it speaks, or nil.
It is ours where the user has chosen none, so that a page is in one language.")

(defun sluice-words-language ()
  "Return the language in which this package speaks, such as \"en\" or \"ko\".
It is `sluice-language', else the daemon's, else that of the system's locale."
  (let ((locale (or (bound-and-true-p sluice-language)
                    sluice-words-heard
                    (seq-find (lambda (value) (and value (not (string-empty-p value))))
                              (mapcar #'getenv '("LC_ALL" "LC_MESSAGES" "LANG")))
                    "en")))
    (downcase (car (split-string (format "%s" locale) "[_.@-]")))))

(defun sluice-words--table (language)
  "Return the words of LANGUAGE; there are none if it has no file.
That is looked for once, since something is said each second while a call waits."
  (or (gethash language sluice-words-tables)
      (progn
        (sluice-words-define language nil)
        (when (string-match-p "\\`[a-z]+\\'" language)
          (require (intern (concat "sluice-words-" language)) nil t))
        (gethash language sluice-words-tables))))

(defun sluice-gettext (text &rest args)
  "Return TEXT in the language of the person, with ARGS put in as by `format'.
TEXT is an English format string, and a literal, so that the tests can find it.
What is not translated is said in English."
  (apply #'format (gethash text (sluice-words--table (sluice-words-language)) text) args))

(provide 'sluice-words)
;;; sluice-words.el ends here
