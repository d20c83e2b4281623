;;; sluice-mode-line.el --- What waits, in the mode line -*- lexical-binding: t; -*-

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

;; `sluice-mode-line-mode' shows in all mode lines how many calls of Emacs wait, and when
;; the next one goes.  It says nothing while nothing waits.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-watch)

(defcustom sluice-mode-line-clients '("emacs" "emacs-gptel" "emacs-llm")
  "Programs whose waiting calls are counted in the mode line; t means all.
The calls of `sluice-send' are those of \"emacs\"; those of gptel and llm have
names of their own.  `sluice-queue' shows the name of each."
  :type '(choice (const :tag "All" t) (repeat string))
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defvar sluice-mode-line--rows nil
  "The calls that wait, as the daemon said last.")

(defvar sluice-mode-line--clock nil
  "Timer that counts down while something waits.")

(defvar sluice-mode-line-string nil
  "What the mode line shows, or nil.")
(put 'sluice-mode-line-string 'risky-local-variable t)

(defvar sluice-mode-line-map
  (let ((map (make-sparse-keymap)))
    (define-key map [mode-line mouse-1] #'sluice-queue)
    map)
  "Keys on what the mode line shows.")

;;;###autoload
(define-minor-mode sluice-mode-line-mode
  "Show in the mode line how many calls wait, and when the next one goes."
  :global t
  :group 'sluice
  (setq global-mode-string (delq 'sluice-mode-line-string global-mode-string))
  (if (not sluice-mode-line-mode)
      (progn (sluice-unwatch 'sluice-mode-line)
             (sluice-mode-line--take nil))
    (setq global-mode-string
          (append (or global-mode-string '("")) '(sluice-mode-line-string)))
    (sluice-watch 'sluice-mode-line #'sluice-mode-line--hear "queue")
    (sluice-mode-line--ask)))

(defun sluice-mode-line--ask ()
  "Ask the daemon what waits, if it is there."
  (when (sluice-rpc-live-p sluice--connection)
    (sluice-rpc-request sluice--connection "queue" nil
                        :success (lambda (answer)
                                   (when sluice-mode-line-mode
                                     (sluice-mode-line--take (plist-get answer :queue)))))))

(defun sluice-mode-line--hear (topic params)
  "Take the daemon's news PARAMS of TOPIC."
  (cond ((eq topic 'queue) (sluice-mode-line--take (plist-get params :queue)))
        (params (sluice-mode-line--ask))
        ;; Without a connection nothing is known to wait.
        (t (sluice-mode-line--take nil))))

(defun sluice-mode-line--take (rows)
  "Take ROWS, the daemon's queue, and show it."
  (setq sluice-mode-line--rows
        (cl-remove-if-not (lambda (row)
                            (or (eq t sluice-mode-line-clients)
                                (member (plist-get row :client) sluice-mode-line-clients)))
                          rows))
  (sluice-mode-line--draw))

(defun sluice-mode-line--draw ()
  "Show the rows; have a clock run as long as there are some."
  (setq sluice-mode-line-string (sluice-mode-line--text sluice-mode-line--rows (float-time)))
  (force-mode-line-update t)
  (cond ((and sluice-mode-line-string (not sluice-mode-line--clock))
         (setq sluice-mode-line--clock (run-at-time 1 1 #'sluice-mode-line--draw)))
        ((and sluice-mode-line--clock (not sluice-mode-line-string))
         (cancel-timer sluice-mode-line--clock)
         (setq sluice-mode-line--clock nil))))

(defun sluice-mode-line--text (rows now)
  "Return the words for ROWS at the time NOW; nil if there are none."
  (when rows
    (let* ((times (delq nil (mapcar (lambda (row) (plist-get row :eta_at)) rows)))
           (left (and times (sluice-left-text (apply #'min times) now)))
           (count (length rows)))
      (propertize (concat " " (if (char-displayable-p ?⏳) (format "⏳%d" count)
                                (sluice-gettext "waits:%d" count))
                          (if left (concat " " left) ""))
                  'help-echo (if left
                                 (sluice-gettext "Calls that wait: %d.  The next one goes in %s"
                                                 count left)
                               (sluice-gettext "Calls that wait: %d" count))
                  'mouse-face 'mode-line-highlight
                  'local-map sluice-mode-line-map))))

(defun sluice-mode-line-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice-mode-line-mode -1)
  nil)

(provide 'sluice-mode-line)
;;; sluice-mode-line.el ends here
