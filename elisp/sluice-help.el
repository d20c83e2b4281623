;;; sluice-help.el --- The commands of Sluice on one page -*- lexical-binding: t; -*-

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

;; `sluice-help' lists the commands under the prefix key, each with its key and its
;; first sentence.

;;; Code:

(require 'cl-lib)
(require 'sluice)

(defun sluice-help--rows ()
  "Return (KEY COMMAND SENTENCE) for each command of `sluice-command-map', by key."
  (let ((rows nil))
    (map-keymap (lambda (event command)
                  (push (list (key-description (vector event)) command
                              (car (split-string (or (documentation command) "") "\n")))
                        rows))
                sluice-command-map)
    (sort rows (lambda (a b) (string-collate-lessp (car a) (car b) nil t)))))

(defun sluice-help--prefix ()
  "Return the key of `sluice-command-map' as text, or nil if it has none."
  (let ((key (where-is-internal sluice-command-map nil t)))
    (and key (key-description key))))

;;;###autoload
(defun sluice-help ()
  "List the commands of Sluice and their keys."
  (interactive)
  (let ((prefix (sluice-help--prefix)))
    (with-help-window "*Sluice help*"
      (with-current-buffer standard-output
        (insert (if prefix (sluice-gettext "Keys of Sluice, after %s" prefix)
                  (sluice-gettext "Keys of Sluice.  Give them a prefix:  %s"
                                  "(global-set-key (kbd \"C-c g\") sluice-command-map)"))
                "\n\n")
        (pcase-dolist (`(,key ,command ,sentence) (sluice-help--rows))
          (insert (propertize key 'face 'bold) "  ")
          (insert-text-button (symbol-name command) 'type 'help-function
                              'help-args (list command))
          (insert (make-string (max 1 (- 24 (length (symbol-name command)))) ?\s)
                  sentence "\n"))))))

(provide 'sluice-help)
;;; sluice-help.el ends here
