;;; sluice-gptel-wait.el --- Show that a call of gptel waits -*- lexical-binding: t; -*-

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

;; While a call of gptel waits in the daemon's queue, it is said where the answer will
;; stand, and in gptel's own status line: at which place, until when, and for what.
;; The text is an overlay: the buffer and its undo history know nothing of it.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-words)
(require 'sluice-watch)
(require 'sluice-answer)                ; the note and its face

(declare-function gptel-fsm-info "ext:gptel-request")
(declare-function gptel-fsm-state "ext:gptel-request")
(declare-function gptel-abort "ext:gptel-request")
(declare-function gptel--update-status "ext:gptel")
(defvar gptel-mode)
(defvar gptel-use-header-line)

(cl-defstruct (sluice-gptel-wait (:constructor sluice-gptel-wait--make) (:copier nil))
  "A call of gptel of which nothing has come yet."
  fsm id
  row                                   ; of the daemon's queue, while it waits there
  overlay
  status)                               ; non-nil while it is in gptel's status line

(defvar-local sluice-gptel-wait--status nil
  "What we have put in gptel's status line, and what was there: (OURS . BEFORE).")
(put 'sluice-gptel-wait--status 'permanent-local t)

(defvar sluice-gptel-wait--live nil
  "The calls of which nothing has come yet, oldest first.")

(defvar sluice-gptel-wait--clock nil
  "Timer that counts down, while there is something to count.")

(defconst sluice-gptel-wait--look-s 0.5
  "Seconds after which it is asked where a call stands, and listened.
Most calls do not wait; for them nothing is said to the daemon or by it, which
would also come between the first pieces of the answer.")

;;;; A call begins and ends

(defun sluice-gptel-wait-begin (fsm id)
  "Show how the call ID of FSM, which has just been started, waits."
  (sluice-gptel-wait-end fsm)
  (setq sluice-gptel-wait--live
        (append sluice-gptel-wait--live (list (sluice-gptel-wait--make :fsm fsm :id id))))
  (when (buffer-live-p (sluice-gptel-wait--buffer fsm))
    (with-current-buffer (sluice-gptel-wait--buffer fsm)
      (add-hook 'kill-buffer-hook #'sluice-gptel-wait--forget-buffer nil t)))
  (run-at-time sluice-gptel-wait--look-s nil #'sluice-gptel-wait--look id))

(defun sluice-gptel-wait-end (fsm)
  "Show no more that the call of FSM waits."
  (when-let* ((wait (cl-find fsm sluice-gptel-wait--live :key #'sluice-gptel-wait-fsm)))
    (sluice-gptel-wait--hide wait)
    (setq sluice-gptel-wait--live (delq wait sluice-gptel-wait--live))
    (sluice-gptel-wait--tidy (sluice-gptel-wait--buffer fsm))
    (sluice-gptel-wait--show-all)))

(defun sluice-gptel-wait-end-all ()
  "Show of no call any more that it waits."
  (dolist (wait (copy-sequence sluice-gptel-wait--live))
    (sluice-gptel-wait-end (sluice-gptel-wait-fsm wait)))
  (sluice-gptel-wait--unwatch))

(defun sluice-gptel-wait-moved (fsm &rest _)
  "Note that FSM has changed its state: something has come, or it is over."
  (unless (eq (gptel-fsm-state fsm) 'WAIT)
    ;; Filters of gptel go on with the match data that they had before.
    (save-match-data (sluice-gptel-wait-end fsm))))

(defun sluice-gptel-wait--buffer (fsm)
  "Return the buffer from which the call of FSM was made."
  (plist-get (gptel-fsm-info fsm) :buffer))

(defun sluice-gptel-wait--tidy (buffer)
  "Leave nothing in BUFFER, nor listen, if there is nothing to listen for."
  (unless (cl-find buffer sluice-gptel-wait--live
                   :key (lambda (wait)
                          (sluice-gptel-wait--buffer (sluice-gptel-wait-fsm wait))))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (remove-hook 'kill-buffer-hook #'sluice-gptel-wait--forget-buffer t))))
  (unless sluice-gptel-wait--live
    (sluice-gptel-wait--stop-clock)
    ;; Not now: the first pieces of the answer are coming, see above.
    (when (sluice-watch-p 'sluice-gptel-wait)
      (run-at-time sluice-gptel-wait--look-s nil #'sluice-gptel-wait--unwatch))))

(defun sluice-gptel-wait--unwatch ()
  "Listen no longer if there is nothing to listen for."
  (unless sluice-gptel-wait--live (sluice-unwatch 'sluice-gptel-wait)))

(defun sluice-gptel-wait--forget-buffer ()
  "Give up what waits for this buffer, which is being killed.
A call of which nothing was shown here may be of a program that has its answer
elsewhere: only the note is given up."
  (let ((mine (cl-remove (current-buffer) sluice-gptel-wait--live :test-not #'eq
                         :key (lambda (wait)
                                (sluice-gptel-wait--buffer (sluice-gptel-wait-fsm wait))))))
    (when (cl-some #'sluice-gptel-wait-row mine)
      ;; Nothing may keep a buffer from being killed.
      (with-demoted-errors "Sluice: %S" (sluice-gptel-wait-abort t)))
    (dolist (wait mine)
      (sluice-gptel-wait-end (sluice-gptel-wait-fsm wait)))))

;;;; Stopping

(defun sluice-gptel-wait--requests ()
  "Return the requests of gptel that were made from this buffer."
  (cl-remove (current-buffer) (bound-and-true-p gptel--request-alist) :test-not #'eq
             :key (lambda (entry) (sluice-gptel-wait--buffer (cadr entry)))))

(defun sluice-gptel-wait-abort (&optional all)
  "Have gptel stop its newest request of this buffer, with ALL each of them.
Return non-nil if there was one."
  (let ((requests (sluice-gptel-wait--requests)))
    (dotimes (_ (if all (length requests) (min 1 (length requests))))
      (gptel-abort (current-buffer)))
    (and requests t)))

;;;; What the daemon says

(defun sluice-gptel-wait--look (id)
  "Ask for the queue, and listen to it, if the call ID still waits for its answer."
  (when (and (sluice-rpc-live-p sluice--connection)
             (cl-find id sluice-gptel-wait--live :test #'equal
                      :key #'sluice-gptel-wait-id))
    (sluice-speak sluice--connection)
    (sluice-watch 'sluice-gptel-wait #'sluice-gptel-wait--hear "queue")
    (sluice-rpc-request sluice--connection "queue" nil
                        :success (lambda (answer) (sluice-gptel-wait--hear 'queue answer)))))

(defun sluice-gptel-wait--hear (topic params)
  "Bring up to date what waits; PARAMS are the daemon's news of TOPIC."
  (let ((rows (make-hash-table :test #'equal)))
    (when (eq topic 'queue)
      (dolist (row (plist-get params :queue))
        (puthash (plist-get row :ref) row rows)))
    ;; When the daemon is lost there is no queue either.
    (unless (and (eq topic 'there) params)
      (dolist (wait sluice-gptel-wait--live)
        (setf (sluice-gptel-wait-row wait) (gethash (sluice-gptel-wait-id wait) rows))))
    (sluice-gptel-wait--show-all)))

;;;; What is shown

(defun sluice-gptel-wait-words (row now &optional others)
  "Return in words how the call of ROW waits at the time NOW.
OTHERS is how many more wait at the same place of a buffer."
  (let ((left (sluice-left-text (plist-get row :eta_at) now))
        (reason (plist-get row :waits_for)))
    (concat
     (string-join
      (delq nil (list (sluice-gptel-wait--place row)
                      (if left (sluice-gettext "goes in %s" left)
                        (and (plist-get row :eta_at) (sluice-gettext "goes now")))
                      (and reason (not (equal reason "")) reason)))
      (sluice-gettext ", "))
     (if (> (or others 0) 0) (concat " " (sluice-gettext "(and %d more)" others)) ""))))

(defun sluice-gptel-wait--brief (row now)
  "Return in few words how the call of ROW waits at the time NOW.
The status line has the name of the model as well."
  (let ((left (sluice-left-text (plist-get row :eta_at) now)))
    (concat (sluice-gptel-wait--place row)
            (if left (concat (sluice-gettext ", ") left) ""))))

(defun sluice-gptel-wait--place (row)
  "Return in words at which place the call of ROW waits."
  (let ((place (plist-get row :place)))
    (cond ((not (natnump place)) (sluice-gettext "waits"))
          ((= place 1) (sluice-gettext "next in line"))
          (t (sluice-gettext "number %d in line" place)))))

(defun sluice-gptel-wait--show-all ()
  "Show what has waited longest at each place of a buffer, and how many do."
  (let ((now (float-time)) (places nil) (counting nil))
    (dolist (wait sluice-gptel-wait--live)
      (if (not (sluice-gptel-wait-row wait))
          (sluice-gptel-wait--hide wait)
        (setq counting t)
        (let* ((info (gptel-fsm-info (sluice-gptel-wait-fsm wait)))
               (place (list (plist-get info :buffer)
                            (let ((position (plist-get info :position)))
                              (and (markerp position) (marker-position position)))))
               (entry (assoc place places)))
          (if entry
              (push wait (cddr entry))
            (push (list place wait) places)))))
    (pcase-dolist (`(,_ ,first . ,others) places)
      (mapc #'sluice-gptel-wait--hide others)
      (sluice-gptel-wait--show first now (length others)))
    (cond ((not counting) (sluice-gptel-wait--stop-clock))
          ((not sluice-gptel-wait--clock)
           (setq sluice-gptel-wait--clock
                 (run-at-time 1 1 #'sluice-gptel-wait--show-all))))))

(defun sluice-gptel-wait--stop-clock ()
  "Count down no longer."
  (when sluice-gptel-wait--clock
    (cancel-timer sluice-gptel-wait--clock)
    (setq sluice-gptel-wait--clock nil)))

(defun sluice-gptel-wait--show (wait now others)
  "Show how WAIT waits at the time NOW, and that OTHERS wait for the same place."
  (let* ((text (sluice-gptel-wait-words (sluice-gptel-wait-row wait) now others))
         (info (gptel-fsm-info (sluice-gptel-wait-fsm wait)))
         (position (plist-get info :position)))
    (when (and (markerp position) (buffer-live-p (marker-buffer position)))
      (unless (and (sluice-gptel-wait-overlay wait)
                   (overlay-buffer (sluice-gptel-wait-overlay wait)))
        (setf (sluice-gptel-wait-overlay wait)
              (sluice-note-overlay position)))
      (sluice-note-show (sluice-gptel-wait-overlay wait)
                        (concat text (sluice-gettext ", ") (sluice-gptel-wait--key position))
                        'sluice-waiting))
    (setf (sluice-gptel-wait-status wait) t)
    (sluice-gptel-wait--put-status
     (plist-get info :buffer) (sluice-gptel-wait--brief (sluice-gptel-wait-row wait) now))))

(defun sluice-gptel-wait--key (position)
  "Return in words which key stops the call that waits at POSITION, a marker."
  (with-current-buffer (marker-buffer position)
    (sluice-gettext "%s stops it" (substitute-command-keys "\\[sluice-abort]"))))

(defun sluice-gptel-wait--hide (wait)
  "Show nothing of WAIT; gptel's status line is as gptel had it."
  (when (sluice-gptel-wait-overlay wait)
    (delete-overlay (sluice-gptel-wait-overlay wait))
    (setf (sluice-gptel-wait-overlay wait) nil))
  (when (sluice-gptel-wait-status wait)
    (setf (sluice-gptel-wait-status wait) nil)
    (sluice-gptel-wait--restore-status
     (plist-get (gptel-fsm-info (sluice-gptel-wait-fsm wait)) :buffer))))

(defun sluice-gptel-wait--status-place ()
  "Return the variable in which gptel has its status line in this buffer, or nil."
  (cond ((not (bound-and-true-p gptel-mode)) nil)
        ((not (bound-and-true-p gptel-use-header-line)) 'mode-line-process)
        ((consp (cdr-safe header-line-format)) 'header-line-format)))

(defun sluice-gptel-wait--status-now ()
  "Return what is in gptel's status line of this buffer."
  (pcase (sluice-gptel-wait--status-place)
    ('mode-line-process mode-line-process)
    ('header-line-format (nth 1 header-line-format))))

(defun sluice-gptel-wait--put-status (buffer text)
  "Put TEXT in gptel's status line of BUFFER, if it has one."
  (let ((inhibit-message t) (message-log-max nil)) ; else gptel may say it in the echo area, too
    (when (and (buffer-live-p buffer) (fboundp 'gptel--update-status))
      (with-current-buffer buffer
        (when (sluice-gptel-wait--status-place)
          (let ((before (sluice-gptel-wait--status-now)))
            ;; In a status line a percent sign is a directive.
            (gptel--update-status (concat " " (string-replace "%" "%%" text)) 'warning)
            (setq sluice-gptel-wait--status
                  (cons (sluice-gptel-wait--status-now)
                        (if (and sluice-gptel-wait--status
                                 (eq before (car sluice-gptel-wait--status)))
                            (cdr sluice-gptel-wait--status)
                          before)))))))))

(defun sluice-gptel-wait--restore-status (buffer)
  "Have gptel's status line of BUFFER as it was, unless gptel has changed it since."
  (when (and (buffer-live-p buffer)
             (buffer-local-value 'sluice-gptel-wait--status buffer))
    (with-current-buffer buffer
      (pcase-let ((`(,ours . ,before) sluice-gptel-wait--status))
        (setq sluice-gptel-wait--status nil)
        (when (eq ours (sluice-gptel-wait--status-now))
          (pcase (sluice-gptel-wait--status-place)
            ('mode-line-process (setq mode-line-process before))
            ('header-line-format (setf (nth 1 header-line-format) before)))
          (force-mode-line-update))))))

(provide 'sluice-gptel-wait)
;;; sluice-gptel-wait.el ends here
