;;; sluice-usage.el --- What calls cost -*- lexical-binding: t; -*-

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

;; `sluice-usage' shows what was used in the last days: a picture of the tokens of each
;; day, the sums by model, client, host, key or day, and what is left of your budgets.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-words)
(require 'sluice-limits)

(declare-function svg-create "svg")
(declare-function svg-rectangle "svg")
(declare-function svg-line "svg")
(declare-function svg-image "svg")

(defcustom sluice-usage-days 30
  "How many days `sluice-usage' shows at first."
  :type 'natnum
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defconst sluice-usage--bar 30
  "Width of the longest bar of a day in characters.")

(defvar-local sluice-usage--by "model"
  "What the sums are by.")

(defvar-local sluice-usage--span nil
  "How many days are shown.")

(defvar-local sluice-usage--answers nil
  "What the daemon said last: a plist of :day, the sums by day, and :by.")

(defvar sluice-usage-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map special-mode-map)
    (define-key map "m" #'sluice-usage-by-model)
    (define-key map "c" #'sluice-usage-by-client)
    (define-key map "h" #'sluice-usage-by-host)
    (define-key map "k" #'sluice-usage-by-key)
    (define-key map "d" #'sluice-usage-by-day)
    (define-key map "+" #'sluice-usage-more-days)
    (define-key map "-" #'sluice-usage-fewer-days)
    map)
  "Keys in the buffer of what was used.")

(define-derived-mode sluice-usage-mode special-mode "Sluice usage"
  "What was used, in tokens, calls and money."
  (setq truncate-lines t)
  (setq sluice-usage--span sluice-usage-days)
  (setq-local revert-buffer-function (lambda (&rest _) (sluice-usage--ask))))

;;;###autoload
(defun sluice-usage ()
  "Show what was used in the last days, and what is left of your budgets."
  (interactive)
  (sluice-need)
  (let ((buffer (get-buffer-create "*Sluice usage*")))
    (with-current-buffer buffer
      (unless (derived-mode-p 'sluice-usage-mode) (sluice-usage-mode)))
    (pop-to-buffer buffer)
    (sluice-usage--ask)))

;;;; Asking

(defun sluice-usage--ask ()
  "Ask the daemon for the days and for the sums, without waiting for them."
  (let ((buffer (current-buffer)) (days sluice-usage--span) (by sluice-usage--by))
    (setq sluice-usage--answers nil)
    (sluice-usage--ask-for buffer :day "day" days)
    (sluice-usage--ask-for buffer :by by days)
    (run-at-time sluice-timeout nil #'sluice-usage--unanswered buffer)))

(defun sluice-usage--unanswered (buffer)
  "Say in BUFFER that the daemon does not answer, if it has said nothing yet."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (when (and (null sluice-usage--answers) (zerop (buffer-size)))
        (let ((inhibit-read-only t))
          (insert (propertize (sluice-silent-text) 'face 'shadow) "\n")
          (set-buffer-modified-p nil))))))

(defun sluice-usage--ask-for (buffer field by days)
  "Ask for the sums BY of the last DAYS; put the answer under FIELD in BUFFER."
  (sluice-rpc-request
   (sluice-need) "usage"
   (list :by by :since_s (* days 86400) :language sluice-language)
   :success (lambda (answer) (sluice-usage--answered buffer field answer))
   :error (lambda (err) (message "Sluice: %s" (plist-get err :message)))))

(defun sluice-usage--answered (buffer field answer)
  "Show ANSWER, which belongs under FIELD, in BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (setq sluice-usage--answers (plist-put sluice-usage--answers field answer))
      (when (and (plist-get sluice-usage--answers :day)
                 (plist-get sluice-usage--answers :by))
        (sluice-usage--draw)))))

(defun sluice-usage--group (by)
  "Show the sums BY something else."
  (setq sluice-usage--by by)
  (sluice-usage--ask))

(defun sluice-usage-by-model () "Add up by model."
       (interactive nil sluice-usage-mode) (sluice-usage--group "model"))
(defun sluice-usage-by-client () "Add up by client."
       (interactive nil sluice-usage-mode) (sluice-usage--group "client"))
(defun sluice-usage-by-host () "Add up by host."
       (interactive nil sluice-usage-mode) (sluice-usage--group "host"))
(defun sluice-usage-by-key () "Add up by key."
       (interactive nil sluice-usage-mode) (sluice-usage--group "key"))
(defun sluice-usage-by-day () "Add up by day."
       (interactive nil sluice-usage-mode) (sluice-usage--group "day"))

(defun sluice-usage-more-days ()
  "Show twice as many days."
  (interactive nil sluice-usage-mode)
  (setq sluice-usage--span (min 3650 (* 2 sluice-usage--span)))
  (sluice-usage--ask))

(defun sluice-usage-fewer-days ()
  "Show half as many days."
  (interactive nil sluice-usage-mode)
  (setq sluice-usage--span (max 1 (/ sluice-usage--span 2)))
  (sluice-usage--ask))

;;;; Drawing

(defun sluice-usage--draw ()
  "Write down what the daemon said; point stays on its line."
  (let ((inhibit-read-only t)
        (line (line-number-at-pos))
        (days (plist-get sluice-usage--answers :day))
        (sums (plist-get sluice-usage--answers :by)))
    (erase-buffer)
    (setq header-line-format
          (concat " " (sluice-gettext "Used since %s.  Keys: m model, c client, h host, k key, d day, + - more or fewer days"
                                      (plist-get days :since))))
    (if (zerop (length (plist-get days :rows)))
        (insert (sluice-gettext "Nothing was used in this time.  Press + to look further back.") "\n")
      (sluice-usage--insert-days (append (plist-get days :rows) nil))
      (insert "\n")
      (sluice-usage--insert-sums sums)
      (sluice-usage--insert-notes sums))
    (sluice-usage--insert-budgets (append (plist-get sums :budgets) nil))
    (set-buffer-modified-p nil)
    (goto-char (point-min))
    (forward-line (1- line))))

(defun sluice-usage--insert-days (rows)
  "Insert the picture of the tokens of each day, which ROWS tell."
  (insert (propertize (sluice-gettext "Tokens of each day") 'face 'bold) "\n")
  (if (sluice-limits--svg-p)
      (sluice-usage--insert-image rows)
    (let ((most (apply #'max 1 (mapcar (lambda (row) (plist-get row :tokens)) rows))))
      (dolist (row rows)
        (let* ((tokens (plist-get row :tokens))
               (full (round (* sluice-usage--bar (/ (float tokens) most)))))
          (insert (format "%s  %s%s  %s\n" (plist-get row :day)
                          (propertize (sluice-limits-blocks full) 'face 'sluice-limit-free)
                          (make-string (- sluice-usage--bar full) ?\s)
                          (sluice-usage--number tokens))))))))

(defun sluice-usage--insert-image (rows)
  "Insert a chart of ROWS: a column for each day, the days without use left empty."
  (let* ((days (sluice-usage--all-days rows))
         (width (* 70 (frame-char-width))) (height (* 8 (frame-char-height)))
         (most (apply #'max 1 (mapcar #'cdr days)))
         (step (/ (float width) (length days)))
         (svg (svg-create width height))
         (color (sluice-limits--color 'sluice-limit-free)))
    (svg-line svg 0 (- height 0.5) width (- height 0.5)
              :stroke (sluice-limits--color 'shadow))
    (cl-loop for (_ . tokens) in days
             for n from 0
             for tall = (* (- height 4.0) (/ (float tokens) most))
             do (svg-rectangle svg (+ 1 (* n step)) (- height 1 tall) (max 1 (- step 2)) tall
                               :fill color))
    (insert-image (svg-image svg) (sluice-gettext "Tokens of each day"))
    (insert "\n" (sluice-gettext "%s to %s; the highest column is %s tokens" (caar days)
                                 (car (car (last days))) (sluice-usage--number most))
            "\n")))

(defun sluice-usage--all-days (rows)
  "Return (DAY . TOKENS) of each day from the first of ROWS to the last."
  (let* ((known (mapcar (lambda (row) (cons (plist-get row :day) (plist-get row :tokens))) rows))
         (day (sluice-usage--noon (caar known))) (end (caar (last known))) (days nil) name)
    (while (progn
             (setq name (format-time-string "%Y-%m-%d" day))
             (push (cons name (or (cdr (assoc name known)) 0)) days)
             (and (string< name end) (< (length days) 3700)))
      (setq day (time-add day 86400)))
    (nreverse days)))

(defun sluice-usage--noon (day)
  "Return the noon of DAY, an ISO date: an hour of summer does no harm there."
  (encode-time (parse-time-string (concat day " 12:00:00"))))

(defun sluice-usage--insert-sums (sums)
  "Insert the table of SUMS, with a total."
  (let* ((by (plist-get sums :by)) (total (plist-get sums :total))
         (priced (plist-get total :cost))
         (head (append (list (sluice-usage--title by)
                             (sluice-gettext "calls") (sluice-gettext "failed")
                             (sluice-gettext "input") (sluice-gettext "output")
                             (sluice-gettext "cached"))
                       (and priced (list (plist-get sums :currency)))))
         (rows (mapcar (lambda (row) (sluice-usage--line row (plist-get row (sluice-usage--field by)) priced))
                       (plist-get sums :rows)))
         (all (append (list head) rows
                      (list (sluice-usage--line total (sluice-gettext "total") priced))))
         (widths (apply #'cl-mapcar (lambda (&rest cells) (apply #'max (mapcar #'string-width cells)))
                        all)))
    (cl-loop for row in all
             for n from 0
             do (let ((text (sluice-usage--padded row widths)))
                  (insert (if (memq n (list 0 (1- (length all)))) (propertize text 'face 'bold) text)
                          "\n")))))

(defun sluice-usage--field (by)
  "Return the field of a row that has the name of what BY groups."
  (intern (concat ":" by)))

(defun sluice-usage--title (by)
  "Return the title of the column of what BY groups."
  (pcase by
    ("model" (sluice-gettext "model"))
    ("client" (sluice-gettext "client"))
    ("host" (sluice-gettext "host"))
    ("key" (sluice-gettext "key"))
    (_ (sluice-gettext "date"))))

(defun sluice-usage--line (row name priced)
  "Return the cells of ROW, which is called NAME; with its cost if PRICED."
  (append (list name)
          (mapcar (lambda (field) (sluice-usage--number (plist-get row field)))
                  '(:calls :failed :input :output :cached_input))
          (and priced
               (list (if (plist-get row :cost)
                         (format "%.2f%s" (plist-get row :cost)
                                 (if (eq (plist-get row :cost_is_whole) t) "" "+"))
                       "-")))))

(defun sluice-usage--padded (row widths)
  "Return ROW as a line of columns of WIDTHS; all but the first to the right."
  (string-trim-right
   (cl-loop for cell in row
            for width in widths
            for n from 0
            for gap = (make-string (- width (string-width cell)) ?\s)
            concat (concat (if (zerop n) (concat cell gap) (concat gap cell)) "  "))))

(defun sluice-usage--insert-notes (sums)
  "Insert what there is to know about the cost in SUMS."
  (let ((unpriced (append (plist-get sums :unpriced) nil)))
    (insert "\n"
            (propertize
             (if (plist-get (plist-get sums :total) :cost)
                 (sluice-gettext "Cost is an estimate by the prices in your configuration.")
               (sluice-gettext "To see cost, write prices: into the daemon's config.yaml."))
             'face 'shadow)
            "\n")
    (when unpriced
      (insert (propertize (sluice-gettext "Without a price: %s" (string-join unpriced ", "))
                          'face 'shadow)
              "\n"))))

(defun sluice-usage--insert-budgets (budgets)
  "Insert a bar for each of BUDGETS."
  (when budgets
    (insert "\n" (propertize (sluice-gettext "Your budgets") 'face 'bold) "\n")
    (dolist (budget budgets)
      (insert (sluice-limits-bar (plist-get budget :part) 1.0) "  " (plist-get budget :words)
              "\n"))))

(defun sluice-usage--number (number)
  "Return NUMBER with its thousands set apart."
  (let ((digits (number-to-string (round number))) (groups nil))
    (while (> (length digits) 3)
      (push (substring digits -3) groups)
      (setq digits (substring digits 0 -3)))
    (string-join (cons digits groups) ",")))

(provide 'sluice-usage)
;;; sluice-usage.el ends here
