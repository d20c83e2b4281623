;;; sluice-gptel-failure.el --- What to do after a failure in gptel -*- lexical-binding: t; -*-

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

;; After a call of gptel has failed, its prompt says what keys there are: explain, send
;; again when it clears, copy the curl command, dismiss.  The text is an overlay: the
;; buffer and its undo history know nothing of it.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-words)
(require 'sluice-answer)                ; the note
(require 'sluice-explain)

(declare-function gptel-fsm-info "ext:gptel-request")
(declare-function gptel-fsm-state "ext:gptel-request")
(declare-function gptel--fsm-transition "ext:gptel-request")

(cl-defstruct (sluice-gptel-failure (:constructor sluice-gptel-failure--make) (:copier nil))
  "A call of gptel that failed."
  fsm call
  data                                  ; what was sent: gptel drops the messages from its own
  reset-at                              ; when it clears, a Unix time or nil
  again                                 ; non-nil if sending it again may help
  cancelled                             ; non-nil if somebody has cancelled it in the queue
  overlay
  clock                                 ; timer that shows that it has cleared
  timer)                                ; timer that sends it again

(defvar-local sluice-gptel-failure--here nil
  "The newest failure of this buffer that was not dismissed: the keys are for it.")

(defvar-local sluice-gptel-failure--promised nil
  "Older failures of this buffer that will be sent again, newest first.")

(defvar sluice-gptel-failure-map
  (let ((map (make-sparse-keymap)))
    (define-key map "e" #'sluice-gptel-failure-explain)
    (define-key map "t" #'sluice-gptel-failure-send-again)
    (define-key map "w" #'sluice-gptel-failure-copy-curl)
    (define-key map "d" #'sluice-gptel-failure-dismiss)
    map)
  "Keys after the prefix key of `sluice-gptel-failure-mode-map'.")

(defvar sluice-gptel-failure-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "C-c ?") sluice-gptel-failure-map)
    map)
  "Keys in a buffer where a call of gptel has failed.")

(define-minor-mode sluice-gptel-failure-mode
  "Keys for the failure that is shown in this buffer.
It is on as long as the failure is shown.
\\{sluice-gptel-failure-mode-map}"
  :group 'sluice
  :interactive nil)

;; The note is an overlay, which a change of the major mode leaves; so must its keys.
(dolist (variable '(sluice-gptel-failure--here sluice-gptel-failure--promised
                    sluice-gptel-failure-mode))
  (put variable 'permanent-local t))

;;;; What is shown

(defun sluice-gptel-failure-show (fsm call &optional data)
  "Show at the prompt of FSM that its CALL, an id, has failed, and the keys.
DATA is what was sent, where gptel has dropped it already."
  (let* ((info (gptel-fsm-info fsm))
         (buffer (plist-get info :buffer))
         (position (plist-get info :position))
         (problem (plist-get info :error))
         (told (and (consp problem) (plist-get problem :sluice))))
    (when (and (buffer-live-p buffer) (markerp position)
               (eq buffer (marker-buffer position)))
      (with-current-buffer buffer
        (sluice-gptel-failure-clear-in buffer)
        (when sluice-gptel-failure--here
          (push sluice-gptel-failure--here sluice-gptel-failure--promised))
        (setq sluice-gptel-failure--here
              (sluice-gptel-failure--make
               :fsm fsm :call call :data (or data (copy-sequence (plist-get info :data)))
               :reset-at (sluice-gptel-failure--clears-at told (float-time))
               ;; An answer of which a part has come would be written twice.
               :again (and (eq (gptel-fsm-state fsm) 'ERRS)
                           (not (plist-get info :tracking-marker))
                           (not (sluice-gptel-failure--gone-p info))
                           (not (sluice-gptel-failure--in-vain-p info))
                           (not (member (plist-get told :retry) '("never" "change"))))
               :cancelled (sluice-gptel-failure-cancelled-p info)
               :overlay (sluice-note-overlay position)))
        (sluice-gptel-failure--watch-clock sluice-gptel-failure--here)
        (sluice-gptel-failure-mode 1)
        (sluice-gptel-failure--say-all)))))

(defun sluice-gptel-failure--watch-clock (failure)
  "Have the note of FAILURE say no time any more when that has come."
  (when (and (sluice-gptel-failure-again failure) (sluice-gptel-failure--clears failure))
    (setf (sluice-gptel-failure-clock failure)
          (run-at-time (- (sluice-gptel-failure-reset-at failure) (float-time)) nil
                       #'sluice-gptel-failure-renew (current-buffer)))))

(defun sluice-gptel-failure-cancelled-p (info)
  "Return non-nil if the request of INFO was cancelled in the daemon.
Who did that knows why there is no answer."
  (let ((problem (plist-get info :error)))
    (and (consp problem) (equal "sluice_cancelled" (plist-get problem :type)))))

(defun sluice-gptel-failure-refused (info)
  "Return the error of the request of INFO if the daemon has begun no call for it."
  (let ((problem (plist-get info :error)))
    (and (consp problem)
         (string-prefix-p "sluice_" (format "%s" (plist-get problem :type)))
         (not (sluice-gptel-failure-cancelled-p info))
         (not (stringp (plist-get (plist-get problem :sluice) :call)))
         problem)))

(defun sluice-gptel-failure--in-vain-p (info)
  "Return non-nil if the daemon would refuse the request of INFO each time."
  (member (plist-get (sluice-gptel-failure-refused info) :type)
          '("sluice_unknown_host" "sluice_invalid_call" "sluice_body_too_large"
            "sluice_not_allowed")))

(defun sluice-gptel-failure--gone-p (info)
  "Return non-nil if an answer to the request of INFO would have no place.
`gptel-rewrite' gives up its overlay when a request fails."
  (let ((overlay (car-safe (plist-get info :context))))
    (and (overlayp overlay) (not (overlay-buffer overlay)))))

(defun sluice-gptel-failure--clears-at (told now)
  "Return when it clears as TOLD, the daemon's explanation, has it, or nil.
The explanation came at the time NOW; both are Unix times in seconds."
  (let ((at (plist-get told :reset_at)) (after (plist-get told :retry_after_s)))
    ;; gptel reads null as :null.
    (cond ((numberp at) at)
          ((numberp after) (+ now after)))))

(defun sluice-gptel-failure--clears (failure)
  "Return when FAILURE clears as a text, or nil if it is clear or not known."
  (let ((at (sluice-gptel-failure-reset-at failure)))
    (and at (> at (float-time)) (format-time-string "%T" at))))

(defun sluice-gptel-failure--keys (failure)
  "Return in words what keys there are for FAILURE."
  (string-join
   (if (sluice-gptel-failure-timer failure)
       (list (sluice-gettext "%s do not send it" "d"))
     (delq nil (list (and (not (sluice-gptel-failure-cancelled failure))
                          (sluice-gettext "%s explain" "e"))
                     (and (sluice-gptel-failure-again failure)
                          (if-let* ((at (sluice-gptel-failure--clears failure)))
                              (sluice-gettext "%s send again at %s" "t" at)
                            (sluice-gettext "%s send again" "t")))
                     (and (not (sluice-gptel-failure-cancelled failure))
                          (not (sluice-explain-own (sluice-gptel-failure-call failure)))
                          (sluice-gettext "%s copy curl" "w"))
                     (sluice-gettext "%s dismiss" "d"))))
   (sluice-gettext ", ")))

(defun sluice-gptel-failure--words (failure)
  "Return what is said of FAILURE, and its keys."
  (let ((what (cond ((sluice-gptel-failure-timer failure)
                     (sluice-gettext "Will be sent again at %s."
                                     (format-time-string
                                      "%T" (sluice-gptel-failure-reset-at failure))))
                    ((sluice-gptel-failure-cancelled failure) (sluice-gettext "Cancelled."))
                    (t (sluice-gettext "Failed.")))))
    (cond ((eq failure sluice-gptel-failure--here)
           (sluice-gettext "%s  C-c ? then %s" what (sluice-gptel-failure--keys failure)))
          ((eq failure (sluice-gptel-failure--at (overlay-start
                                                  (sluice-gptel-failure-overlay failure))))
           (sluice-gettext "%s  With the cursor here: C-c ? then %s" what
                           (sluice-gptel-failure--keys failure)))
          (t what))))

(defun sluice-gptel-failure--say (failure)
  "Say below the prompt of FAILURE how it stands."
  (let ((overlay (sluice-gptel-failure-overlay failure)))
    ;; Some modes remove all overlays.
    (when (overlay-buffer overlay)
      (sluice-note-show overlay (sluice-gptel-failure--words failure) 'error))))

(defun sluice-gptel-failure--all ()
  "Return the failures that are shown in this buffer, newest first."
  (and sluice-gptel-failure--here
       (cons sluice-gptel-failure--here sluice-gptel-failure--promised)))

(defun sluice-gptel-failure--say-all ()
  "Say of each failure of this buffer how it stands."
  (mapc #'sluice-gptel-failure--say (sluice-gptel-failure--all)))

(defun sluice-gptel-failure-renew (buffer)
  "Say anew how the failures of BUFFER stand: more is known of one."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer (sluice-gptel-failure--say-all))))

(defun sluice-gptel-failure--drop (failure)
  "Show FAILURE no more in this buffer, nor send it again."
  (dolist (timer (list (sluice-gptel-failure-timer failure) (sluice-gptel-failure-clock failure)))
    (when timer (cancel-timer timer)))
  (delete-overlay (sluice-gptel-failure-overlay failure))
  (if (eq failure sluice-gptel-failure--here)
      (setq sluice-gptel-failure--here (pop sluice-gptel-failure--promised))
    (setq sluice-gptel-failure--promised (remq failure sluice-gptel-failure--promised)))
  (sluice-gptel-failure-mode (if sluice-gptel-failure--here 1 -1))
  (sluice-gptel-failure--say-all))

(defun sluice-gptel-failure-clear-in (buffer &optional fsm)
  "Show no failure in BUFFER any more but those that are to be sent again.
That of FSM, which is being sent, is none of these."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer
      (dolist (failure (sluice-gptel-failure--all))
        (when (or (not (sluice-gptel-failure-timer failure))
                  (eq fsm (sluice-gptel-failure-fsm failure)))
          (sluice-gptel-failure--drop failure))))))

(defun sluice-gptel-failure-clear-all ()
  "Show no failure in any buffer any more, and send none again."
  (dolist (buffer (buffer-list))
    (with-current-buffer buffer
      (mapc #'sluice-gptel-failure--drop (sluice-gptel-failure--all)))))

;;;; Keys

(defun sluice-gptel-failure--at (position)
  "Return the newest failure whose note is below the line of POSITION, or nil."
  (save-excursion
    (goto-char position)
    (cl-find-if (lambda (failure)
                  (let ((place (overlay-start (sluice-gptel-failure-overlay failure))))
                    (and place (<= (line-beginning-position) place (line-end-position)))))
                (sluice-gptel-failure--all))))

(defun sluice-gptel-failure--need ()
  "Return the failure whose note is at point, else the newest one; or complain."
  (or (sluice-gptel-failure--at (point))
      sluice-gptel-failure--here
      (user-error "%s" (sluice-gettext "No failure is shown in this buffer"))))

(defun sluice-gptel-failure--need-call ()
  "Return the id of the call that has failed here, or complain.
Of one that was cancelled there is nothing to see."
  (let ((failure (sluice-gptel-failure--need)))
    (when (sluice-gptel-failure-cancelled failure)
      (user-error "%s" (sluice-gettext "This call was cancelled while it waited, so nothing is kept \
of it.  C-c ? t sends it again")))
    (sluice-gptel-failure-call failure)))

(defun sluice-gptel-failure-explain ()
  "Explain the failure that is shown in this buffer."
  (interactive)
  (sluice-explain--show (list :call (sluice-gptel-failure--need-call) :language sluice-language)))

(defun sluice-gptel-failure-copy-curl ()
  "Copy the curl command of the call that failed.  The key is not in it."
  (interactive)
  (sluice-copy-curl-of (sluice-gptel-failure--need-call)))

(defun sluice-gptel-failure-dismiss ()
  "Take the failure away; if it was to be sent again, it will not."
  (interactive)
  (sluice-gptel-failure--drop (sluice-gptel-failure--need)))

(defun sluice-gptel-failure-send-again ()
  "Send the failed request again as it was, as soon as it clears."
  (interactive)
  (let* ((failure (sluice-gptel-failure--need))
         (at (sluice-gptel-failure-reset-at failure)))
    (cond ((not (sluice-gptel-failure-again failure))
           (user-error "%s" (if (sluice-gptel-failure--gone-p
                                 (gptel-fsm-info (sluice-gptel-failure-fsm failure)))
                                (sluice-gettext "The place of that answer is gone: begin it anew")
                              (sluice-gettext "Sending the same again will not help: see C-c ? e"))))
          ((and at (> at (float-time)))
           (unless (sluice-gptel-failure-timer failure)
             (setf (sluice-gptel-failure-timer failure)
                   (run-at-time (- at (float-time)) nil #'sluice-gptel-failure--send
                                (current-buffer) failure)))
           (sluice-gptel-failure--say failure))
          (t (sluice-gptel-failure--send (current-buffer) failure)))))

(defun sluice-gptel-failure--send (buffer failure)
  "Send the request of FAILURE again unless BUFFER has dismissed it.
Without a daemon say so; then the note stays, and with it the key for later."
  (when (and (buffer-live-p buffer)
             (memq failure (with-current-buffer buffer (sluice-gptel-failure--all))))
    (with-current-buffer buffer
      (setf (sluice-gptel-failure-timer failure) nil)
      (when (condition-case err
                (sluice-require)
              (user-error (sluice-gptel-failure--say failure)
                          (message "%s" (cadr err))
                          nil))
        (sluice-gptel-failure--drop failure)
        (let ((fsm (sluice-gptel-failure-fsm failure)))
          (plist-put (gptel-fsm-info fsm) :data (sluice-gptel-failure-data failure))
          (gptel--fsm-transition fsm 'WAIT))))))

(provide 'sluice-gptel-failure)
;;; sluice-gptel-failure.el ends here
