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
;; each for a while.  The daemon is told of a topic as long as somebody watches it.

;;; Code:

(require 'cl-lib)
(require 'sluice)

(defvar sluice-watch--watchers nil
  "Who watches: a list of (KEY FUNCTION . TOPICS).")

(defun sluice-watch (key function &rest topics)
  "Have FUNCTION called with (TOPIC PARAMS) for each change of TOPICS.
TOPICS are \"queue\", \"limits\" and \"errors\"; TOPIC is a symbol.
The TOPIC `there' with PARAMS t or nil means that the daemon has come or gone.
KEY is for `sluice-unwatch'; an earlier watcher with the same KEY is replaced."
  (let ((others (assoc-delete-all key (copy-sequence sluice-watch--watchers))))
    (setq sluice-watch--watchers (cons (cons key (cons function topics)) others))
    (add-hook 'sluice-connection-functions #'sluice-watch--there)
    (apply #'sluice-subscribe topics)))

(defun sluice-unwatch (key)
  "Have the watcher KEY hear nothing any more.
What nobody else watches, the daemon is told to keep to itself."
  (when-let* ((watcher (assoc key sluice-watch--watchers)))
    (setq sluice-watch--watchers (delq watcher sluice-watch--watchers))
    (unless sluice-watch--watchers
      (remove-hook 'sluice-connection-functions #'sluice-watch--there))
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

(defun sluice-watch--there (there)
  "Tell all watchers whether the daemon is THERE."
  (sluice-watch--tell 'there nil there))

(cl-defmethod sluice-rpc-notify ((_method (eql 'queue)) params)
  "Tell that the queue in PARAMS is new."
  (sluice-watch--tell 'queue "queue" params))

(cl-defmethod sluice-rpc-notify ((_method (eql 'limits)) params)
  "Tell that the limits in PARAMS are new."
  (sluice-watch--tell 'limits "limits" params))

(cl-defmethod sluice-rpc-notify ((_method (eql 'error)) params)
  "Tell that a call has failed, as PARAMS say."
  (sluice-watch--tell 'error "errors" params))

(provide 'sluice-watch)
;;; sluice-watch.el ends here
