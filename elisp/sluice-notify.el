;;; sluice-notify.el --- Tell what ended in a buffer that nobody looks at -*- lexical-binding: t; -*-

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

;; Who has gone to another buffer, or to another program, while an answer was waited for
;; hears when the wait is over, and when a call has failed.

;;; Code:

(require 'sluice-words)

(declare-function dbus-ping "dbus")
(declare-function notifications-notify "notifications")

(defcustom sluice-notify-after 30
  "After so many seconds of waiting you are told that an answer has come.
This is about buffers that are not shown.  Nil: never.  Failures there are
always told, unless `sluice-notify-function' is `ignore'."
  :type '(choice (const :tag "Never" nil) number)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-notify-function #'sluice-notify-default
  "Function that tells something.
It gets a text and the buffer that it is about, which may have been killed."
  :type 'function
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defun sluice-notify--visible-p (buffer)
  "Return non-nil if BUFFER is shown in a frame that can be seen."
  (and (buffer-live-p buffer) (get-buffer-window buffer 'visible)))

(defun sluice-notify--desktop (text)
  "Have the desktop show TEXT; return nil if there is no desktop that does."
  (ignore-errors
    (and (getenv "DBUS_SESSION_BUS_ADDRESS")
         (require 'notifications nil t)
         ;; Else `notifications-notify' itself complains, in the echo area.
         (dbus-ping :session "org.freedesktop.Notifications" 200)
         (notifications-notify :title "Sluice" :body text :app-name "Emacs"))))

(defun sluice-notify-default (text buffer)
  "Tell TEXT: on the desktop, or in the echo area if BUFFER is shown.
Without a desktop that shows notes nothing is done: who tells something has
said it in the echo area before."
  (if (sluice-notify--visible-p buffer)
      (message "%s" text)
    (sluice-notify--desktop text)))

(defun sluice-notify--tell (text buffer)
  "Tell TEXT, which is about BUFFER, as the user wants it."
  (condition-case err
      (funcall sluice-notify-function text buffer)
    (error (message "Sluice: %s" (error-message-string err)))))

(defun sluice-notify-over (buffer text waited)
  "Tell TEXT if BUFFER is not shown and its answer has WAITED for many seconds."
  (when (and sluice-notify-after
             (>= waited sluice-notify-after)
             (not (sluice-notify--visible-p buffer)))
    (sluice-notify--tell text buffer)))

;;;###autoload
(defun sluice-notify-failure (_id buffer &optional text)
  "Tell that a call from BUFFER has failed, unless it is shown.
TEXT says why."
  (when (and (buffer-live-p buffer) (not (sluice-notify--visible-p buffer)))
    (sluice-notify--tell
     (format "%s: %s" (buffer-name buffer)
             (or text (sluice-gettext "the call has failed; M-x sluice-explain-last says why")))
     buffer)))

(provide 'sluice-notify)
;;; sluice-notify.el ends here
