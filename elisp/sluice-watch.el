;;; sluice-watch.el --- Who hears the news of the daemon -*- lexical-binding: t; -*-

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

;; Several parts of this package want to hear of the queue, the limits and of errors,
;; each for a while.  The daemon is told of a topic as long as somebody watches it; when
;; it goes away in the meantime, it is looked for in the background.

;;; Code:

(require 'cl-lib)
(require 'sluice)

;;;; What the daemon is asked to tell

(defvar sluice--subscribed nil
  "Topics that are wanted, and subscribed again after a reconnection.")

(defvar sluice--retry nil
  "State of the background reconnection: (TIMER . DELAYS-LEFT), or nil.")

(defconst sluice--retry-delays '(0.3 0.7 2 4 30)
  "Seconds between attempts to connect again; the last one is repeated.
Another daemon that takes the place of the old one is there within the first.")

(defvar sluice-watch--mourning nil
  "Timer that says that the daemon has gone, unless one is there by then, or nil.")

(defvar sluice-watch--patience-s 1.5
  "Seconds that a daemon has to come back before it is said that it has gone.")

(defvar sluice-watch--watchers nil
  "Who watches: a list of (KEY FUNCTION . TOPICS).")

(defun sluice--ask-topics ()
  "Have the daemon tell about what is subscribed."
  (when (and sluice--subscribed (sluice-rpc-live-p sluice--connection))
    (sluice-rpc-request sluice--connection "subscribe"
                        (list :topics (vconcat sluice--subscribed)))))

(defun sluice-subscribe (&rest topics)
  "Have the daemon tell about TOPICS: \"queue\", \"limits\", \"errors\".
They come as `sluice-rpc-notify' calls, also after a restart of the daemon.
While it is not there, it is looked for; Emacs never waits for it."
  (add-hook 'sluice-connection-functions #'sluice-watch--there)
  (let ((all (cl-union sluice--subscribed topics :test #'equal))
        (live (sluice-rpc-live-p sluice--connection)))
    (unless (and live (= (length all) (length sluice--subscribed)))
      (setq sluice--subscribed all)
      (if live
          (sluice--ask-topics)
        (sluice-connect)
        (unless sluice--retry (sluice--retry-in sluice--retry-delays))))))

(defun sluice-unsubscribe (&rest topics)
  "Have the daemon say no more of TOPICS, nor subscribe when it comes back."
  (let ((rest (cl-set-difference sluice--subscribed topics :test #'equal)))
    (unless (= (length rest) (length sluice--subscribed))
      (setq sluice--subscribed rest)
      (unless rest
        (sluice--stop-retrying)
        (sluice-watch--stop-mourning))
      (when (sluice-rpc-live-p sluice--connection)
        ;; The daemon forgets all topics at once, so the others are asked for again.
        (sluice-rpc-request sluice--connection "unsubscribe" nil
                            :success (lambda (_) (sluice--ask-topics)))))
    (unless (or rest sluice-watch--watchers)
      (remove-hook 'sluice-connection-functions #'sluice-watch--there))))

(defun sluice--retry-in (delays)
  "Try to connect after the first of DELAYS, then after the others, quietly."
  (sluice--stop-retrying)
  (setq sluice--retry
        (cons (run-at-time (car delays) nil #'sluice--retry-now)
              (or (cdr delays) delays))))

(defun sluice--retry-now ()
  "Connect to the daemon if it is there, and wait longer until it greets back."
  (let ((delays (cdr sluice--retry)))
    (sluice-connect)
    (unless (sluice-rpc-live-p sluice--connection)
      (sluice--retry-in delays))))

(defun sluice--stop-retrying ()
  "Stop looking for the daemon in the background."
  (when sluice--retry
    (cancel-timer (car sluice--retry))
    (setq sluice--retry nil)))

(defun sluice-watch--there (there)
  "Do what is due when the daemon is THERE, has gone, or was left (`closed')."
  (pcase there
    ('nil (when sluice--subscribed
            (sluice-watch--mourn)
            (sluice--retry-in sluice--retry-delays)))
    ('t (sluice--stop-retrying)
        (sluice-watch--stop-mourning)
        (sluice--ask-topics))
    (_ (sluice--stop-retrying)
       (sluice-watch--stop-mourning)))
  (if (eq there 'closed)
      (sluice-watch--tell 'left nil nil)
    (sluice-watch--tell 'there nil there)))

(defun sluice-watch--mourn ()
  "Say in a while that the daemon has gone, if that is still so and news then.
A call that fails of it has more to say, and may say it in the meantime."
  (sluice-watch--stop-mourning)
  (setq sluice-watch--mourning
        (run-at-time sluice-watch--patience-s nil #'sluice-watch--say-gone (float-time))))

(defun sluice-watch--stop-mourning ()
  "Do not say any more that the daemon has gone."
  (when sluice-watch--mourning
    (cancel-timer sluice-watch--mourning)
    (setq sluice-watch--mourning nil)))

(defun sluice-watch--say-gone (since)
  "Say that the daemon has gone, unless that was said SINCE it has, or just before."
  (setq sluice-watch--mourning nil)
  (unless (or (sluice-rpc-live-p sluice--connection)
              (> sluice--gone-told (- since 1)))
    (sluice-tell-gone (sluice-gettext "Sluice: the daemon has gone away, so nothing waits there \
any more.  Start it with M-x sluice-start; Emacs notices when it is back"))))

;;;; Who watches

(defun sluice-watch (key function &rest topics)
  "Have FUNCTION called with (TOPIC PARAMS) for each change of TOPICS.
TOPICS are \"queue\", \"limits\" and \"errors\"; TOPIC is a symbol.
The TOPIC `there' with PARAMS t or nil means that the daemon has come or gone;
`left' means that this Emacs has closed the connection itself.
KEY is for `sluice-unwatch'; an earlier watcher with the same KEY is replaced."
  (let ((others (assoc-delete-all key (copy-sequence sluice-watch--watchers))))
    (setq sluice-watch--watchers (cons (cons key (cons function topics)) others))
    (apply #'sluice-subscribe topics)))

(defun sluice-unwatch (key)
  "Have the watcher KEY hear nothing any more.
What nobody else watches, the daemon is told to keep to itself."
  (when-let* ((watcher (assoc key sluice-watch--watchers)))
    (setq sluice-watch--watchers (delq watcher sluice-watch--watchers))
    (apply #'sluice-unsubscribe
           (cl-set-difference (cddr watcher) (mapcan (lambda (other) (copy-sequence (cddr other)))
                                                     sluice-watch--watchers)
                              :test #'equal))))

(defun sluice-watch-p (key)
  "Return non-nil if there is a watcher KEY."
  (and (assoc key sluice-watch--watchers) t))

(defun sluice-watch--tell (topic name params)
  "Call those who watch the topic NAME, all if it is nil, with TOPIC and PARAMS."
  (pcase-dolist (`(,_ ,function . ,topics) sluice-watch--watchers)
    (when (or (null name) (member name topics))
      ;; One that fails must not keep the news from the others.
      (condition-case err
          (funcall function topic params)
        (error (message "Sluice: %s" (error-message-string err)))))))

(cl-defmethod sluice-rpc-notify ((_method (eql 'queue)) params)
  "Tell that the queue in PARAMS is new."
  (sluice-watch--tell 'queue "queue" params))

(cl-defmethod sluice-rpc-notify ((_method (eql 'limits)) params)
  "Tell that the limits in PARAMS are new."
  (sluice-watch--tell 'limits "limits" params))

(cl-defmethod sluice-rpc-notify ((_method (eql 'error)) params)
  "Tell that a call has failed, as PARAMS say."
  (sluice-watch--tell 'error "errors" params))

(defun sluice-watch-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice--stop-retrying)
  (sluice-watch--stop-mourning)
  nil)

(provide 'sluice-watch)
;;; sluice-watch.el ends here
