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
    (define-key map (kbd "RET") #'sluice-queue-visit)
    (define-key map "e" #'sluice-queue-explain)
    (define-key map "k" #'sluice-queue-cancel)
    (define-key map "u" #'sluice-queue-up)
    (define-key map "d" #'sluice-queue-down)
    (define-key map "p" #'sluice-queue-promote)
    (define-key map "w" #'sluice-queue-copy-curl)
    map)
  "Keys in the list of calls that wait.")

(define-derived-mode sluice-queue-mode sluice-dashboard-mode "Sluice queue"
  "The calls that wait.
\\<sluice-queue-mode-map>
\\[sluice-queue-explain] says why.
\\[sluice-queue-visit] goes to the buffer of a call.
\\[sluice-queue-cancel] cancels.
\\[sluice-queue-up] lets go earlier, \\[sluice-queue-down] later.
\\[sluice-queue-promote] lets go before those for which nobody waits.
\\[sluice-queue-copy-curl] copies the call as a curl command.
\\[sluice-dashboard-sort] sorts by the column at point."
  (sluice-dashboard-speak #'sluice-queue--words-of-list)
  (setq sluice-dashboard--operation '("queue" :queue)
        sluice-dashboard--topics '("queue")
        sluice-dashboard--line #'sluice-queue--line)
  (add-hook 'sluice-dashboard-drawn-hook #'sluice-queue--run-clock nil t))

(defun sluice-queue--words-of-list ()
  "Have this list say its words in the language of the person."
  (setq sluice-dashboard--nothing (sluice-gettext "No call waits."))
  (sluice-dashboard-columns
   (sluice-dashboard-column (sluice-gettext "Place") 5 t :right-align t)
   (sluice-dashboard-column (sluice-gettext "Goes in") 8 nil :right-align t)
   (sluice-dashboard-column (sluice-gettext "Client") 12 t :least 8)
   (sluice-dashboard-column (sluice-gettext "Model") 20 t :least 10)
   (sluice-dashboard-column (sluice-gettext "Waits for") 0 t :least 20)))

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
        (t (sluice-gettext "now"))))

(defun sluice-queue--run-clock ()
  "Count down while a call has a time to wait for."
  (let ((now (float-time)))
    (sluice-dashboard--run-clock
     (and (eq sluice-dashboard--state 'fresh)
          (cl-some (lambda (row) (> (or (plist-get row :eta_at) 0) now))
                   sluice-dashboard--rows)))))

(defun sluice-queue-explain ()
  "Say why the call on this line waits.
If it has failed and will be sent again, show its steps: why it failed, too."
  (interactive)
  (let ((row (sluice-dashboard--row)))
    (if (> (or (plist-get row :attempts) 0) 0)
        (sluice-steps--show (plist-get row :id))
      (message "%s" (sluice-queue--words row (float-time))))))

(defun sluice-queue--words (row now)
  "Return in a sentence why the call of ROW waits at the time NOW."
  (let ((low (sluice-left-text (plist-get row :eta_low_at) now))
        (high (sluice-left-text (plist-get row :eta_high_at) now)))
    (sluice-gettext "%s of %s to %s waits for: %s.  It has waited %s%s"
                    (plist-get row :model) (plist-get row :client) (plist-get row :host)
                    (plist-get row :waits_for)
                    (or (sluice-left-text now (plist-get row :since)) "0:00")
                    (cond ((not high) "")
                          ((or (not low) (equal low high))
                           (sluice-gettext " and goes in at most %s" high))
                          (t (sluice-gettext " and goes in %s to %s" low high))))))

(defun sluice-queue-cancel ()
  "Cancel the call on this line.  It is not sent again; its program is told so."
  (interactive)
  (let ((row (sluice-dashboard--row)))
    (when (y-or-n-p (sluice-gettext "Cancel the call of %s to %s? "
                                    (plist-get row :client) (plist-get row :model)))
      (message "%s" (if (plist-get (sluice-ask "cancel" (list :call (plist-get row :id)))
                                   :cancelled)
                        (sluice-gettext "Cancelled")
                      (sluice-gettext "That call waits no longer")))
      (sluice-dashboard--ask))))

(defun sluice-queue-visit ()
  "Go to the buffer whose call is on this line.
If it is not from this Emacs, say why it waits."
  (interactive)
  (let* ((row (sluice-dashboard--row))
         (names (delq nil (list (plist-get row :id) (plist-get row :ref))))
         (buffer (cl-find-if (lambda (buffer)
                               (member (buffer-local-value 'sluice-call buffer) names))
                             (buffer-list))))
    (if buffer (pop-to-buffer buffer) (sluice-queue-explain))))

(defconst sluice-queue--classes '("batch" "normal" "interactive")
  "The classes of calls; who is in a later one goes first.")

(defun sluice-queue--move (row class)
  "Put the call of ROW into CLASS, and say what that means."
  (let ((moved (plist-get (sluice-ask "promote" (list :call (plist-get row :id)
                                                      :priority class))
                          :promoted)))
    (message "%s" (cond ((not moved) (sluice-gettext "That call waits no longer"))
                        ((equal class "interactive")
                         (sluice-gettext "It goes as soon as calls that a person waits for"))
                        ((equal class "normal")
                         (sluice-gettext "It goes after calls that a person waits for"))
                        (t (sluice-gettext "It goes when nothing else waits"))))
    (sluice-dashboard--ask)))

(defun sluice-queue--step (by)
  "Move the call on this line BY so many classes, if there are some."
  (let* ((row (sluice-dashboard--row))
         (now (or (cl-position (plist-get row :priority) sluice-queue--classes :test #'equal) 1))
         (next (+ now by)))
    (unless (<= 0 next (1- (length sluice-queue--classes)))
      (user-error "%s" (sluice-queue--no-step by (plist-get row :place))))
    (sluice-queue--move row (nth next sluice-queue--classes))))

(defun sluice-queue--no-step (by place)
  "Return in words why a call at PLACE cannot be moved BY classes."
  (cond ((< by 0) (sluice-gettext "It goes when nothing else waits already"))
        ((equal place 1) (sluice-gettext "It is next in line already"))
        (t (sluice-gettext "A person waits for it already, and for those before it as well.  \
To let it go earlier, cancel one of them: k"))))

(defun sluice-queue-up ()
  "Let the call on this line go earlier: with those of the next class."
  (interactive)
  (sluice-queue--step 1))

(defun sluice-queue-down ()
  "Let the call on this line go later: with those of the class below."
  (interactive)
  (sluice-queue--step -1))

(defun sluice-queue-promote ()
  "Let the call on this line go before those for which nobody waits."
  (interactive)
  (sluice-queue--move (sluice-dashboard--row) "interactive"))

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
    (define-key map "e" #'sluice-log-explain)
    (define-key map "w" #'sluice-log-copy-curl)
    (define-key map "f" #'sluice-log-toggle-failed)
    map)
  "Keys in the list of the newest calls.")

(define-derived-mode sluice-log-mode sluice-dashboard-mode "Sluice log"
  "The newest calls.
\\<sluice-log-mode-map>\\[sluice-log-explain] explains one.
\\[sluice-log-copy-curl] copies it as a curl command.
\\[sluice-log-toggle-failed] lists only those that failed.
\\[sluice-dashboard-sort] sorts by the column at point."
  (sluice-dashboard-speak #'sluice-log--words-of-list)
  (setq sluice-dashboard--operation (sluice-log--operation)
        ;; The queue changes with each call, so it tells of those that went well too.
        sluice-dashboard--topics '("queue" "errors")
        sluice-dashboard--line #'sluice-log--line))

(defun sluice-log--words-of-list ()
  "Have this list say its words in the language of the person."
  (setq sluice-dashboard--nothing (if sluice-log--failed (sluice-gettext "No call has failed.")
                                    (sluice-gettext "There are no calls yet."))
        mode-line-process (and sluice-log--failed (concat " " (sluice-gettext "failed"))))
  (sluice-dashboard-columns
   (sluice-dashboard-column (sluice-gettext "At") 8 t)
   (sluice-dashboard-column (sluice-gettext "State") (sluice-log--state-width) t)
   (sluice-dashboard-column (sluice-gettext "Took") 7 nil :right-align t :drop 1)
   (sluice-dashboard-column (sluice-gettext "Client") 12 t :least 8 :drop 2)
   (sluice-dashboard-column (sluice-gettext "Model") 20 t :least 10)
   (sluice-dashboard-column (sluice-gettext "What happened") 0 nil :least 36)))

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
                  (if failed
                      (propertize (concat "! " (sluice-log--state state)) 'face 'sluice-failed)
                    (sluice-log--state state))
                  (if took (sluice-gettext "%.1f s" took) "")
                  (or (plist-get row :client) "")
                  (or (plist-get row :model) "")
                  (or (plist-get row :line) (plist-get row :host) "")))))

(defun sluice-log--state-width ()
  "Return how wide the longest state is; one that failed is marked."
  (apply #'max (string-width (concat "! " (sluice-log--state "failed")))
         (mapcar (lambda (state) (string-width (sluice-log--state state)))
                 '("queued" "held" "running" "done" "cancelled" "interrupted"))))

(defun sluice-log--state (state)
  "Return STATE, one of the daemon's names, as a word."
  (pcase state
    ("queued" (sluice-gettext "queued"))
    ("held" (sluice-gettext "held"))
    ("running" (sluice-gettext "running"))
    ("done" (sluice-gettext "done"))
    ("failed" (sluice-gettext "failed"))
    ("cancelled" (sluice-gettext "cancelled"))
    ("interrupted" (sluice-gettext "interrupted"))
    (_ state)))

(defun sluice-log-explain ()
  "Explain why the call on this line has failed.
Of one that has not, show the steps until now."
  (interactive)
  (let* ((row (sluice-dashboard--row)) (id (plist-get row :id)))
    (if (equal "failed" (plist-get row :state))
        (sluice-explain--show (list :call id :language sluice-language))
      (sluice-steps--show id))))

(defun sluice-log-copy-curl ()
  "Copy the curl command of the call on this line.  The key is not in it."
  (interactive)
  (sluice-copy-curl-of (plist-get (sluice-dashboard--row) :id)))

(defun sluice-log-toggle-failed ()
  "List only what has failed, or all again."
  (interactive)
  (setq sluice-log--failed (not sluice-log--failed)
        sluice-dashboard--operation (sluice-log--operation))
  (sluice-log--words-of-list)
  (force-mode-line-update)
  (sluice-dashboard--ask))

;;;; The steps of one call

(defvar-local sluice-steps--call nil
  "What the daemon has told of the call that this page is about.")

(defvar sluice-steps-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map (make-composed-keymap button-buffer-map special-mode-map))
    (define-key map "w" #'sluice-steps-copy-curl)
    map)
  "Keys on a page with the steps of a call.")

(define-derived-mode sluice-steps-mode special-mode "Sluice call"
  "What has happened to a call, step by step.
\\<sluice-steps-mode-map>\\[sluice-steps-copy-curl] copies it as a curl command."
  (setq-local revert-buffer-function #'sluice-steps--revert)
  (setq-local header-line-format '(:eval (sluice-steps--header)))
  (setq-local word-wrap t))

(defun sluice-steps--ask (id)
  "Return what the daemon knows of the call ID."
  (sluice-ask "show" (append (list :call id)
                             (and sluice-language (list :language sluice-language)))))

(defun sluice-steps--show (id)
  "Show how the call ID has gone until now, in a buffer of its own."
  (let ((row (sluice-steps--ask id)) (buffer (get-buffer-create "*Sluice call*")))
    (with-current-buffer buffer
      (unless (derived-mode-p 'sluice-steps-mode) (sluice-steps-mode))
      (sluice-steps--draw row))
    (pop-to-buffer buffer '(nil (window-height . fit-window-to-buffer)))))

(defun sluice-steps--revert (&rest _)
  "Ask anew how the call of this page stands."
  (sluice-steps--draw (sluice-steps--ask (plist-get sluice-steps--call :id))))

(defun sluice-steps--header ()
  "Return the header line: when the call was made, by whom, and which it is."
  (let ((row sluice-steps--call))
    ;; In a format a percent sign is a directive.
    (string-replace
     "%" "%%"
     (string-join
      (delq nil (list (and (plist-get row :started_at)
                           (format-time-string "%F %T" (plist-get row :started_at)))
                      (plist-get row :host) (plist-get row :model) (plist-get row :client)
                      (plist-get row :id)))
      " · "))))

(defun sluice-steps--draw (row)
  "Draw the page of the call ROW."
  (setq sluice-steps--call row)
  (let ((inhibit-read-only t) (line (plist-get row :line)))
    (erase-buffer)
    (insert (propertize (sluice-log--state (or (plist-get row :state) "")) 'face 'bold) "\n")
    (when line (sluice-explain--fill line "" ""))
    (insert "\n" (propertize (sluice-gettext "Steps") 'face 'sluice-explain-label) "\n")
    (dolist (step (plist-get row :timeline))
      (sluice-explain--fill (or (plist-get step :text) (plist-get step :kind) "")
                            (format-time-string "  %T " (plist-get step :at))
                            (make-string 11 ?\s)))
    (insert "\n")
    (sluice-steps--buttons)
    (goto-char (point-min))))

(defun sluice-steps--buttons ()
  "Insert the row of buttons."
  (pcase-dolist (`(,key ,text ,command)
                 (delq nil
                       (list (and (sluice-explain-body-kept-p sluice-steps--call)
                                  (list "w" (sluice-gettext "Copy curl") #'sluice-steps-copy-curl))
                             (list "g" (sluice-gettext "Refresh") #'revert-buffer)
                             (list "q" (sluice-gettext "Quit") #'quit-window))))
    (sluice-explain--button key text (lambda () (call-interactively command)))
    (insert "  "))
  (delete-char -2)
  (insert "\n"))

(defun sluice-steps-copy-curl ()
  "Copy the curl command of the call that this page is about.
The key is not in it."
  (interactive)
  (sluice-copy-curl-of (plist-get sluice-steps--call :id)))

(provide 'sluice-calls)
;;; sluice-calls.el ends here
