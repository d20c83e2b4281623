;;; sluice-dashboard.el --- Lists that the daemon keeps up to date -*- lexical-binding: t; -*-

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

;; What `sluice-queue', `sluice-log' and `sluice-limits' have in common.
;; A list asks the daemon once and then hears of changes, as long as it is shown in a
;; window.  Nothing is polled; where a time is counted down,
;; a clock runs while there is something to count.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'tabulated-list)
(require 'sluice)
(require 'sluice-watch)

(defconst sluice-dashboard--most 200
  "How many lines a list shows at most.")

(defvar-local sluice-dashboard--operation nil
  "What the daemon is asked for: (OPERATION FIELD . PARAMS).
FIELD is the name of the list in its answer.")

(defvar-local sluice-dashboard--columns nil
  "All columns, as `sluice-dashboard-column' returns them.
Which of them are shown, and how wide, depends on the width of the window.")

(defvar-local sluice-dashboard--words nil
  "Function that gives this list its words, and the language of them, as a cons.")

(defvar-local sluice-dashboard--fitted nil
  "What is shown of the columns: (WIDTH . INDICES), for a window of that WIDTH.")

(defconst sluice-dashboard--narrowest 6
  "To what a column shrinks where there is room for nothing.")

(defvar-local sluice-dashboard--topics nil
  "Topics of which this list wants to hear.")

(defvar-local sluice-dashboard--rows nil
  "What the daemon said last, a list of plists.")

(defvar-local sluice-dashboard--line nil
  "Function that returns the entry of a row for `tabulated-list-entries'.
It gets the row and the time.  The entry has a cell for each of the columns.")

(defvar-local sluice-dashboard--spread #'identity
  "Function that makes rows of what the daemon lists.")

(defvar sluice-dashboard-drawn-hook nil
  "What is done after a list has been drawn.")

(defvar-local sluice-dashboard--nothing ""
  "What is said when there is nothing to list.")

(defvar-local sluice-dashboard--state nil
  "Nil while there is no news yet, `fresh', or why there is none any more.
That is `gone' when the daemon has gone, `left' when we have disconnected,
`silent' when it is there, but does not answer.")

(defvar-local sluice-dashboard--asking nil
  "Non-nil while the daemon is being asked; `again' if it must be asked once more.")

(defvar-local sluice-dashboard--patience nil
  "Timer that says that the daemon does not answer.")

(defvar-local sluice-dashboard--clock nil
  "Timer that counts down while this list is shown.")

(defvar sluice-dashboard-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map tabulated-list-mode-map)
    (define-key map "S" #'sluice-dashboard-sort)
    map)
  "Keys in all lists.")

(define-derived-mode sluice-dashboard-mode tabulated-list-mode "Sluice"
  "A list that the daemon keeps up to date while it is shown."
  (setq tabulated-list-padding 1)
  (setq-local revert-buffer-function #'sluice-dashboard--ask)
  ;; Emacs takes it for wide in Chinese and Korean locales, where most terminals do not.
  (when (> (char-width ?…) 1) (setq-local truncate-string-ellipsis ".."))
  (add-hook 'kill-buffer-hook #'sluice-dashboard--sleep nil t)
  (add-hook 'window-size-change-functions #'sluice-dashboard--resized nil t)
  (add-hook 'window-buffer-change-functions #'sluice-dashboard--look))

(defun sluice-dashboard-column (title width sort &rest props)
  "Return the column TITLE for `tabulated-list-format', with SORT and PROPS.
It is WIDTH wide, or wider if TITLE is: words are of another length, and letters
of another width, in each language.  A WIDTH of 0 is all that is left.
Among PROPS, besides those of Emacs, are :least, the width to which the column
may shrink where the window is narrow, and :drop, a number: of the columns for
which there is no room the one with the lowest is left out first."
  (append (list title (if (zerop width) 0 (max width (string-width title))) sort) props))

(defun sluice-dashboard-speak (function)
  "Call FUNCTION for the words of this list, now and when the language is another."
  (setq sluice-dashboard--words (cons function (sluice-words-language)))
  (funcall function))

(defun sluice-dashboard--speak-anew ()
  "Give this list its words anew if another language was chosen."
  (when (and sluice-dashboard--words
             (not (equal (cdr sluice-dashboard--words) (sluice-words-language))))
    (sluice-dashboard-speak (car sluice-dashboard--words))))

;;;; Which columns there is room for

(defun sluice-dashboard-columns (&rest columns)
  "Have this list show COLUMNS, as far as there is room for them."
  (setq sluice-dashboard--columns columns
        sluice-dashboard--fitted nil)
  (sluice-dashboard--fit))

(defun sluice-dashboard--width ()
  "Return the width of the narrowest window of this list."
  (apply #'min (mapcar #'window-body-width
                       (or (get-buffer-window-list nil nil t) (list (selected-window))))))

(defun sluice-dashboard--least (column)
  "Return the width that COLUMN needs at least."
  (pcase-let ((`(,title ,width ,_ . ,props) column))
    (max (string-width title) (or (plist-get props :least) width))))

(defun sluice-dashboard--fit ()
  "Choose the columns, and how wide they are, by the width of the window.
The last one, which says most, is never left out."
  (let ((width (sluice-dashboard--width)))
    (unless (eql width (car sluice-dashboard--fitted))
      (let ((fitted (sluice-dashboard--choose sluice-dashboard--columns
                                              (- width tabulated-list-padding))))
        (setq sluice-dashboard--fitted (cons width (mapcar #'car fitted))
              tabulated-list-format (vconcat (mapcar #'cdr fitted)))
        ;; What is not shown cannot be sorted by.
        (unless (assoc (car tabulated-list-sort-key) (mapcar #'cdr fitted))
          (setq tabulated-list-sort-key nil))
        (tabulated-list-init-header)))))

(defun sluice-dashboard--choose (columns room)
  "Return those of COLUMNS that find ROOM, a list of (INDEX . COLUMN)."
  (let* ((shown (cl-loop for column in columns for n from 0
                         collect (cons n (copy-sequence column))))
         (last (car (last shown)))
         (wish (mapcar (lambda (one) (nth 1 (cdr one))) shown)))
    (cl-flet ((needed () (+ (length shown) -1
                            (cl-loop for (_ . column) in shown sum (nth 1 column)))))
      (dolist (one shown)
        (setf (nth 1 (cdr one)) (sluice-dashboard--least (cdr one))))
      ;; Too wide: leave out what matters least, then make narrower what may be.
      (dolist (one (cl-sort (cl-remove-if-not #'sluice-dashboard--rank shown) #'<
                            :key #'sluice-dashboard--rank))
        (when (> (needed) room) (setq shown (delq one shown))))
      (dolist (one shown)
        (when (and (not (eq one last)) (plist-get (nthcdr 3 (cdr one)) :least))
          (setf (nth 1 (cdr one))
                (max sluice-dashboard--narrowest
                     (min (nth 1 (cdr one)) (- (nth 1 (cdr one)) (- (needed) room)))))))
      ;; Room left: to all in turn, as far as they wish; then the last one has all.
      (let ((short t))
        (while (and short (< (needed) room))
          (setq short nil)
          (dolist (one shown)
            (when (and (< (needed) room)
                       (or (eq one last) (< (nth 1 (cdr one)) (nth (car one) wish))))
              (unless (eq one last) (setq short t))
              (cl-incf (nth 1 (cdr one))))))))
    (setf (nth 1 (cdr last)) 0)
    shown))

(defun sluice-dashboard--rank (one)
  "Return when ONE, an (INDEX . COLUMN), is left out, nil if it is not."
  (plist-get (nthcdr 4 one) :drop))

(defun sluice-dashboard--cut (entry)
  "Return ENTRY, which has a cell for each column, with those that are shown."
  (list (car entry)
        (vconcat (mapcar (lambda (n) (aref (cadr entry) n)) (cdr sluice-dashboard--fitted)))))

(defun sluice-dashboard--resized (window)
  "Draw the list in WINDOW anew if that is wider or narrower than before."
  (with-current-buffer (window-buffer window)
    (when (and sluice-dashboard--state
               (not (eql (sluice-dashboard--width) (car sluice-dashboard--fitted))))
      (sluice-dashboard--draw))))

(defun sluice-dashboard-show (name mode)
  "Show the list NAME, which has the major mode MODE."
  (sluice-need)
  (let ((buffer (get-buffer-create name)))
    (with-current-buffer buffer
      (unless (derived-mode-p mode) (funcall mode)))
    (pop-to-buffer buffer)
    (sluice-dashboard--wake)
    buffer))

;;;; Awake while it is shown

(defun sluice-dashboard--buffers ()
  "Return the buffers that hold a list."
  (cl-remove-if-not (lambda (buffer)
                      (with-current-buffer buffer (derived-mode-p 'sluice-dashboard-mode)))
                    (buffer-list)))

(defun sluice-dashboard--look (&rest _)
  "Have the lists that are shown listen, and the others not."
  (let ((buffers (sluice-dashboard--buffers)))
    (unless buffers
      (remove-hook 'window-buffer-change-functions #'sluice-dashboard--look))
    (dolist (buffer buffers)
      (let ((shown (get-buffer-window buffer t)))
        (with-current-buffer buffer
          (cond ((not shown) (sluice-dashboard--sleep))
                ;; Not now: a connection may have to be made, and this is redisplay.
                ((not (sluice-watch-p buffer))
                 (run-at-time 0 nil #'sluice-dashboard--wake buffer))))))))

(defun sluice-dashboard--wake (&optional buffer)
  "Have the list in BUFFER, default the current one, listen; ask how it is now."
  (let ((buffer (or buffer (current-buffer))))
    (when (and (buffer-live-p buffer) (get-buffer-window buffer t))
      (with-current-buffer buffer
        (apply #'sluice-watch buffer
               (lambda (topic params) (sluice-dashboard--hear buffer topic params))
               sluice-dashboard--topics)
        (sluice-dashboard--ask)))))

(defun sluice-dashboard--sleep ()
  "Have this list listen no longer."
  (sluice-unwatch (current-buffer))
  (setq sluice-dashboard--asking nil)
  (sluice-dashboard--wait nil)
  (sluice-dashboard--stop-clock))

(defun sluice-dashboard--hear (buffer topic params)
  "Bring the list in BUFFER up to date: PARAMS are the daemon's news of TOPIC."
  (if (not (and (buffer-live-p buffer) (get-buffer-window buffer t)))
      ;; Its frame was deleted, of which windows say nothing.
      (if (buffer-live-p buffer)
          (with-current-buffer buffer (sluice-dashboard--sleep))
        (sluice-unwatch buffer))
    (with-current-buffer buffer
      (pcase-let ((`(,operation ,field . ,_) sluice-dashboard--operation))
        (cond ((eq topic 'left) (sluice-dashboard--gone 'left))
              ((and (eq topic 'there) (not params)) (sluice-dashboard--gone))
              ((equal operation (symbol-name topic))
               (sluice-dashboard--take (plist-get params field)))
              (t (sluice-dashboard--ask)))))))

;;;; What the daemon says

(defun sluice-dashboard--ask (&rest _)
  "Ask the daemon for the rows of this list, without waiting for them."
  (let ((buffer (current-buffer)) (conn sluice--connection))
    (pcase-let ((`(,operation ,field . ,params) sluice-dashboard--operation))
      (cond ((not (sluice-connect)) (sluice-dashboard--gone))
            ;; The daemon is being greeted: this list hears when it is there, and asks then.
            ((not (sluice-rpc-live-p conn))
             (if (sluice-silent-p) (sluice-dashboard--gone 'silent) (sluice-dashboard--wait t)))
            ;; One question at a time, however fast the news come.
            (sluice-dashboard--asking (setq sluice-dashboard--asking 'again))
            (t (setq sluice-dashboard--asking t)
               (sluice-speak conn)
               (sluice-dashboard--wait t)
               (sluice-rpc-request
                conn operation params
                :success (lambda (answer)
                           (sluice-dashboard--answered buffer (plist-get answer field)))
                :error (lambda (err)
                         (sluice-dashboard--answered buffer nil (plist-get err :message)))))))))

(defun sluice-dashboard--wait (begin)
  "Say in a while that no answer has come, if BEGIN; else do not."
  (when sluice-dashboard--patience
    (cancel-timer sluice-dashboard--patience))
  (setq sluice-dashboard--patience
        (and begin (run-at-time sluice-timeout nil #'sluice-dashboard--unanswered
                                (current-buffer)))))

(defun sluice-dashboard--unanswered (buffer)
  "Say in BUFFER that the daemon does not answer.  The answer counts when it comes."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (let ((asking sluice-dashboard--asking))
        (sluice-dashboard--gone 'silent)
        (setq sluice-dashboard--asking asking)))))

(defun sluice-dashboard--answered (buffer rows &optional problem)
  "Show ROWS in BUFFER, or tell the PROBLEM; ask again if there was news meanwhile."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (let ((again (eq sluice-dashboard--asking 'again)))
        (setq sluice-dashboard--asking nil)
        (sluice-dashboard--wait nil)
        (cond ((not (sluice-rpc-live-p sluice--connection)) (sluice-dashboard--gone))
              (problem (message "Sluice: %s" problem))
              (t (sluice-dashboard--take rows)))
        ;; Not without a connection: asking would make one.
        (when (and again (sluice-rpc-live-p sluice--connection)) (sluice-dashboard--ask))))))

(defun sluice-dashboard--take (rows)
  "Show ROWS, which are the newest."
  (setq sluice-dashboard--rows (funcall sluice-dashboard--spread rows)
        sluice-dashboard--state 'fresh)
  (sluice-dashboard--draw))

(defun sluice-dashboard--gone (&optional state)
  "Say that the daemon is not there; what is listed is how it was.
STATE is that of this list from now on, by default `gone'."
  (setq sluice-dashboard--state (or state 'gone)
        sluice-dashboard--asking nil)
  (sluice-dashboard--wait nil)
  (sluice-dashboard--stop-clock)
  (sluice-dashboard--draw))

;;;; The list

(defun sluice-dashboard--draw ()
  "Draw the list anew; the windows that show it stay where they are."
  (let ((places (mapcar (lambda (window)
                          (list window
                                (save-excursion (goto-char (window-point window))
                                                (cons (tabulated-list-get-id)
                                                      (line-number-at-pos)))
                                (line-number-at-pos (window-start window))))
                        (get-buffer-window-list nil nil t)))
        (now (float-time)))
    (sluice-dashboard--speak-anew)
    (sluice-dashboard--fit)
    (setq tabulated-list-entries
          (mapcar (lambda (row)
                    (sluice-dashboard--cut (funcall sluice-dashboard--line row now)))
                  (seq-take sluice-dashboard--rows sluice-dashboard--most)))
    (tabulated-list-print t)
    (sluice-dashboard--remark)
    (set-buffer-modified-p nil)
    (pcase-dolist (`(,window ,point ,start) places)
      (set-window-start window (sluice-dashboard--line-start start) t)
      (set-window-point window (sluice-dashboard--place point)))
    (run-hooks 'sluice-dashboard-drawn-hook)))

(defun sluice-dashboard--line-start (number)
  "Return the beginning of line NUMBER."
  (save-excursion (goto-char (point-min)) (forward-line (1- number)) (point)))

(defun sluice-dashboard--place (place)
  "Return where PLACE, an (ID . LINE), is now.
That is the line with that ID, else that line."
  (save-excursion
    (goto-char (point-min))
    (while (and (car place) (not (eobp)) (not (equal (car place) (tabulated-list-get-id))))
      (forward-line 1))
    (if (and (car place) (not (eobp))) (point) (sluice-dashboard--line-start (cdr place)))))

(defun sluice-dashboard--remark ()
  "Say below the list what it does not show."
  (let ((inhibit-read-only t)
        (more (- (length sluice-dashboard--rows) sluice-dashboard--most)))
    (save-excursion
      (goto-char (point-max))
      (dolist (remark (list (and (> more 0) (sluice-gettext "%d more are not shown." more))
                            (and (null sluice-dashboard--rows)
                                 (eq sluice-dashboard--state 'fresh)
                                 sluice-dashboard--nothing)
                            (and (eq sluice-dashboard--state 'left)
                                 (sluice-gettext "You have disconnected from Sluice; the list is \
how it was last.  g connects again"))
                            (and (eq sluice-dashboard--state 'silent)
                                 (if sluice-dashboard--rows
                                     (sluice-gettext "The list is how it was last.  %s"
                                                     (sluice-silent-text))
                                   (sluice-silent-text)))
                            (and (eq sluice-dashboard--state 'gone)
                                 (if sluice-dashboard--rows
                                     (sluice-gettext
                                      "Sluice is not running; the list is how it was last.  %s"
                                      (sluice-start-hint))
                                   (sluice-gettext "Sluice is not running.  %s"
                                                   (sluice-start-hint))))))
        (when remark
          (sluice-dashboard--fill (propertize (concat " " remark "\n") 'face 'shadow)))))))

(defun sluice-dashboard--fill (text)
  "Insert TEXT filled: in a list, what is wider than the window is cut."
  (let ((begin (point))
        (fill-column (min 78 (- (sluice-dashboard--width) 2)))
        (fill-prefix " "))
    (insert text)
    (fill-region begin (point) nil t)))

(defun sluice-dashboard-sort ()
  "Sort the list by the column at point, or the other way round."
  (interactive nil sluice-dashboard-mode)
  (let* ((columns (append tabulated-list-format nil))
         (sortable (mapcar #'car (cl-remove-if-not #'caddr columns)))
         ;; At the beginning of a line there is no column, but space before the first.
         (name (or (get-text-property (point) 'tabulated-list-column-name)
                   (car (car columns)))))
    (cond ((null sortable)
           (user-error "%s" (sluice-gettext "This list stays in its order: lines of one key \
belong together")))
          ((not (member name sortable))
           (user-error "%s" (sluice-gettext "This list cannot be sorted by %s, but by: %s"
                                            name (string-join sortable ", "))))
          ((equal name (car tabulated-list-sort-key))
           (setcdr tabulated-list-sort-key (not (cdr tabulated-list-sort-key))))
          (t (setq tabulated-list-sort-key (cons name nil))))
    (tabulated-list-init-header)
    (sluice-dashboard--draw)))

(defun sluice-dashboard--row ()
  "Return the row at point, a call; complain when there is none."
  (let ((id (tabulated-list-get-id)))
    (or (and id (cl-find id sluice-dashboard--rows :test #'equal
                         :key (lambda (row) (plist-get row :id))))
        (user-error "%s" (sluice-gettext "There is no call on this line")))))

;;;; The clock

(defun sluice-dashboard--run-clock (wanted)
  "Have this list drawn each second if WANTED; else stop that."
  (if (not wanted)
      (sluice-dashboard--stop-clock)
    (unless sluice-dashboard--clock
      (setq sluice-dashboard--clock
            (run-at-time 1 1 #'sluice-dashboard--tick (current-buffer))))))

(defun sluice-dashboard--tick (buffer)
  "Draw the list in BUFFER with the times of now, if it is shown."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (if (get-buffer-window buffer t)
          (sluice-dashboard--draw)
        (sluice-dashboard--sleep)))))

(defun sluice-dashboard--stop-clock ()
  "Count down no longer in this list."
  (when sluice-dashboard--clock
    (cancel-timer sluice-dashboard--clock)
    (setq sluice-dashboard--clock nil)))

(defun sluice-dashboard-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (mapc #'kill-buffer (sluice-dashboard--buffers))
  nil)

(provide 'sluice-dashboard)
;;; sluice-dashboard.el ends here
