;;; sluice-calls.el --- What waits, and the newest calls -*- lexical-binding: t; -*-

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

;; `sluice-queue' lists the calls that wait in the daemon, of all programs: why, and
;; when each will go.  `sluice-log' lists the newest calls; those that failed can be
;; explained and repeated.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-dashboard)
(require 'sluice-explain)

(defface sluice-failed '((t :inherit error))
  "Face of calls that failed."
  :group 'sluice)

;;;; What waits

(defvar sluice-queue-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map sluice-dashboard-mode-map)
    (define-key map (kbd "RET") #'sluice-queue-explain)
    (define-key map "k" #'sluice-queue-cancel)
    (define-key map "p" #'sluice-queue-promote)
    (define-key map "w" #'sluice-queue-copy-curl)
    map)
  "Keys in the list of calls that wait.")

(define-derived-mode sluice-queue-mode sluice-dashboard-mode "Sluice queue"
  "The calls that wait.
\\<sluice-queue-mode-map>\\[sluice-queue-explain] says why.
\\[sluice-queue-cancel] cancels, \\[sluice-queue-promote] lets go earlier.
\\[sluice-queue-copy-curl] copies the call as a curl command."
  (setq tabulated-list-format [("Place" 5 t :right-align t) ("Goes in" 8 nil :right-align t)
                               ("Client" 12 t) ("Model" 20 t) ("Waits for" 0 t)]
        sluice-dashboard--operation '("queue" :queue)
        sluice-dashboard--topics '("queue")
        sluice-dashboard--line #'sluice-queue--line
        sluice-dashboard--nothing "No call waits.")
  (add-hook 'sluice-dashboard-drawn-hook #'sluice-queue--run-clock nil t)
  (tabulated-list-init-header))

;;;###autoload
(defun sluice-queue ()
  "Show what waits: for what, and until when."
  (interactive)
  (sluice-dashboard-show "*Sluice queue*" 'sluice-queue-mode))

(defun sluice-queue--line (row now)
  "Return the entry of ROW, which waits, at the time NOW."
  (let ((first (equal 1 (plist-get row :place))))
    (list (plist-get row :id)
          (vector (propertize (format "%s" (or (plist-get row :place) ""))
                              'face (if first 'bold 'default))
                  (sluice-queue--goes-in row now)
                  (or (plist-get row :client) "")
                  (or (plist-get row :model) "")
                  (or (plist-get row :waits_for) "")))))

(defun sluice-queue--goes-in (row now)
  "Return as minutes and seconds how long ROW has to wait from NOW on."
  (cond ((not (plist-get row :eta_at)) "?")
        ((sluice-left-text (plist-get row :eta_at) now))
        (t "now")))

(defun sluice-queue--run-clock ()
  "Count down while a call has a time to wait for."
  (let ((now (float-time)))
    (sluice-dashboard--run-clock
     (and (eq sluice-dashboard--state 'fresh)
          (cl-some (lambda (row) (> (or (plist-get row :eta_at) 0) now))
                   sluice-dashboard--rows)))))

(defun sluice-queue-explain ()
  "Say why the call on this line waits.
If it has failed and will be sent again, explain the failure."
  (interactive)
  (let ((row (sluice-dashboard--row)))
    (if (> (or (plist-get row :attempts) 0) 0)
        (sluice-explain--show (list :call (plist-get row :id) :language sluice-language))
      (message "%s" (sluice-queue--words row (float-time))))))

(defun sluice-queue--words (row now)
  "Return in a sentence why the call of ROW waits at the time NOW."
  (let ((low (sluice-left-text (plist-get row :eta_low_at) now))
        (high (sluice-left-text (plist-get row :eta_high_at) now)))
    (format "%s of %s to %s waits for: %s.  It has waited %s%s"
            (plist-get row :model) (plist-get row :client) (plist-get row :host)
            (plist-get row :waits_for)
            (or (sluice-left-text now (plist-get row :since)) "0:00")
            (cond ((not high) "")
                  ((or (not low) (equal low high)) (format " and goes in at most %s" high))
                  (t (format " and goes in %s to %s" low high))))))

(defun sluice-queue-cancel ()
  "Cancel the call on this line.  Nothing is sent; its program is told so."
  (interactive)
  (let ((row (sluice-dashboard--row)))
    (when (y-or-n-p (format "Cancel the call of %s to %s? "
                            (plist-get row :client) (plist-get row :model)))
      (message (if (plist-get (sluice-ask "cancel" (list :call (plist-get row :id)))
                              :cancelled)
                   "Cancelled" "That call waits no longer"))
      (sluice-dashboard--ask))))

(defun sluice-queue-promote ()
  "Let the call on this line go before those for which nobody waits."
  (interactive)
  (let ((row (sluice-dashboard--row)))
    (message (if (plist-get (sluice-ask "promote" (list :call (plist-get row :id)
                                                        :priority "interactive"))
                            :promoted)
                 "It goes as soon as calls that a person waits for"
               "That call waits no longer"))
    (sluice-dashboard--ask)))

(defun sluice-queue-copy-curl ()
  "Copy the curl command of the call on this line.  The key is not in it."
  (interactive)
  (sluice-copy-curl-of (plist-get (sluice-dashboard--row) :id)))

;;;; The newest calls

(defvar-local sluice-log--failed nil
  "Non-nil when only calls that failed are listed.")

(defvar sluice-log-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map sluice-dashboard-mode-map)
    (define-key map (kbd "RET") #'sluice-log-explain)
    (define-key map "w" #'sluice-log-copy-curl)
    (define-key map "f" #'sluice-log-toggle-failed)
    map)
  "Keys in the list of the newest calls.")

(define-derived-mode sluice-log-mode sluice-dashboard-mode "Sluice log"
  "The newest calls.
\\<sluice-log-mode-map>\\[sluice-log-explain] explains one.
\\[sluice-log-copy-curl] copies it as a curl command.
\\[sluice-log-toggle-failed] lists only those that failed."
  (setq tabulated-list-format [("At" 8 t) ("State" 10 t) ("Took" 7 nil :right-align t)
                               ("Client" 12 t) ("Model" 20 t) ("What happened" 0 nil)]
        sluice-dashboard--operation (sluice-log--operation)
        ;; The queue changes with each call, so it tells of those that went well too.
        sluice-dashboard--topics '("queue" "errors")
        sluice-dashboard--line #'sluice-log--line
        sluice-dashboard--nothing "There are no calls yet.")
  (tabulated-list-init-header))

;;;###autoload
(defun sluice-log ()
  "Show what was sent last, and how it went."
  (interactive)
  (sluice-dashboard-show "*Sluice log*" 'sluice-log-mode))

(defun sluice-log--operation ()
  "Return what to ask the daemon for."
  (append '("calls" :calls :limit 100) (and sluice-log--failed '(:failed t))))

(defun sluice-log--line (row _now)
  "Return the entry of ROW, a call."
  (let* ((state (or (plist-get row :state) ""))
         (failed (equal state "failed"))
         (took (plist-get row :duration_s)))
    (list (plist-get row :id)
          (vector (format-time-string "%T" (plist-get row :started_at))
                  (if failed (propertize (concat "! " state) 'face 'sluice-failed) state)
                  (if took (format "%.1f s" took) "")
                  (or (plist-get row :client) "")
                  (or (plist-get row :model) "")
                  (or (plist-get row :line) (plist-get row :host) "")))))

(defun sluice-log-explain ()
  "Explain what happened to the call on this line."
  (interactive)
  (sluice-explain--show (list :call (plist-get (sluice-dashboard--row) :id)
                              :language sluice-language)))

(defun sluice-log-copy-curl ()
  "Copy the curl command of the call on this line.  The key is not in it."
  (interactive)
  (sluice-copy-curl-of (plist-get (sluice-dashboard--row) :id)))

(defun sluice-log-toggle-failed ()
  "List only what has failed, or all again."
  (interactive)
  (setq sluice-log--failed (not sluice-log--failed)
        sluice-dashboard--operation (sluice-log--operation)
        sluice-dashboard--nothing (if sluice-log--failed "No call has failed."
                                    "There are no calls yet.")
        mode-line-process (and sluice-log--failed " failed"))
  (force-mode-line-update)
  (sluice-dashboard--ask))

(provide 'sluice-calls)
;;; sluice-calls.el ends here
