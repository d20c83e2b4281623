;;; sluice-warnings.el --- Told before it happens -*- lexical-binding: t; -*-

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

;; The daemon sees when a day's limit, a plan's window or a budget of yours is nearly used
;; up, and when a call will wait long.  With `sluice-warnings-mode' Emacs tells you, once.
;; `sluice-gptel-mode' turns it on.

;;; Code:

(require 'sluice)
(require 'sluice-words)
(require 'sluice-watch)

(defcustom sluice-warning-function #'sluice-warnings-say
  "Function that tells a warning; it gets the words.
It is called once for each thing that will soon be in your way."
  :type '(choice (function-item :tag "In the echo area" sluice-warnings-say)
                 (function-item :tag "As a warning that stays" sluice-warnings-display)
                 function)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defvar sluice-warnings--told nil
  "Keys of what has been told, the newest first.")

(defconst sluice-warnings--most 200
  "How many keys are remembered.")

;;;###autoload
(define-minor-mode sluice-warnings-mode
  "Have Emacs tell what will soon be in your way: a limit, a budget, a long queue."
  :global t
  :group 'sluice
  (if sluice-warnings-mode
      (sluice-watch 'sluice-warnings #'sluice-warnings--hear "warnings")
    (sluice-unwatch 'sluice-warnings)))

(defun sluice-warnings--hear (topic params)
  "Tell the warning in PARAMS, if it is news and TOPIC is `warning'."
  (when (eq topic 'warning)
    (let ((key (plist-get params :key)))
      (unless (member key sluice-warnings--told)
        (push key sluice-warnings--told)
        (when (nthcdr sluice-warnings--most sluice-warnings--told)
          (setcdr (nthcdr (1- sluice-warnings--most) sluice-warnings--told) nil))
        (funcall sluice-warning-function (plist-get params :words))))))

(defun sluice-warnings-say (words)
  "Show WORDS in the echo area."
  (message "Sluice: %s" words))

(defun sluice-warnings-display (words)
  "Show WORDS in the buffer of warnings."
  (display-warning 'sluice words :warning))

(cl-defmethod sluice-rpc-notify ((_method (eql 'warning)) params)
  "Tell that something will soon be in the way, as PARAMS say."
  (sluice-watch--tell 'warning "warnings" params))

(defun sluice-warnings-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice-warnings-mode -1)
  nil)

(provide 'sluice-warnings)
;;; sluice-warnings.el ends here
