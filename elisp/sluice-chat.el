;;; sluice-chat.el --- Send text, stream the answer into the buffer -*- lexical-binding: t; -*-

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

;; `sluice-send' sends the region or the paragraph at point; the answer streams in
;; behind it while you go on working.  While the call waits, it is shown why and for
;; how long.  `sluice-abort' stops it.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'auth-source)
(require 'sluice)
(require 'sluice-answer)

(defcustom sluice-host "api.openai.com"
  "The host to which `sluice-send' talks, as the daemon knows it."
  :type 'string
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-model "gpt-4o-mini"
  "The model to which `sluice-send' talks."
  :type 'string
  :safe #'stringp
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-system-prompt nil
  "The system prompt of `sluice-send', or nil for none."
  :type '(choice (const :tag "None" nil) string)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-max-tokens nil
  "The longest answer of `sluice-send' in tokens, or nil for the model's own limit."
  :type '(choice (const :tag "The model's own" nil) natnum)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-temperature nil
  "The temperature of `sluice-send', or nil for the model's own."
  :type '(choice (const :tag "The model's own" nil) number)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-key #'sluice-key-from-auth-source
  "Where `sluice-send' has the key from.
A function gets the host and returns the key, or nil.  Without a key the daemon
uses the one in its environment, for example OPENAI_API_KEY."
  :type '(choice (const :tag "The daemon's environment" nil) function)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(cl-defstruct (sluice-chat (:constructor sluice-chat--make) (:copier nil))
  "A call whose answer is being written."
  id conn                               ; of the request
  call                                  ; the daemon's id of the call
  answer                                ; a `sluice-answer'
  state)                                ; while it waits: what the daemon said

(defvar sluice-chat--live (make-hash-table)
  "The answers that are being written, by request id.")

(defvar sluice-chat--clock nil
  "Timer that counts down what waiting answers show.")

;;;; What is sent

(defun sluice-key-from-auth-source (host)
  "Return the key for HOST from auth-source, or nil.
The entry is what gptel uses: machine HOST login apikey password KEY."
  (when-let* ((found (or (auth-source-search :host host :user "apikey" :require '(:secret))
                         (auth-source-search :host (car (split-string host ":"))
                                             :user "apikey" :require '(:secret))))
              (secret (plist-get (car found) :secret)))
    (if (functionp secret) (funcall secret) secret)))

(defun sluice-chat--bounds ()
  "Return (BEGIN . END) of the active region, else of the paragraph at point."
  (if (use-region-p)
      (cons (region-beginning) (region-end))
    (save-excursion
      (let ((end (progn (forward-paragraph) (skip-chars-backward " \t\n") (point)))
            (begin (progn (backward-paragraph) (skip-chars-forward " \t\n") (point))))
        (cons (min begin end) end)))))

(defun sluice-chat--params (prompt)
  "Return the parameters of the request that sends PROMPT."
  (list :host sluice-host :model sluice-model
        :messages (vector (list :role "user" :content prompt))
        :system sluice-system-prompt
        :max_tokens sluice-max-tokens :temperature sluice-temperature
        :key (and sluice-key (funcall sluice-key sluice-host))
        :stream t :priority "interactive" :client "emacs" :language sluice-language))

;;;###autoload
(defun sluice-send ()
  "Send the region, or the paragraph at point, to `sluice-model'.
The answer comes in behind it; \\[sluice-abort] stops it."
  (interactive)
  (let* ((bounds (sluice-chat--bounds))
         (prompt (buffer-substring-no-properties (car bounds) (cdr bounds))))
    (when (string-blank-p prompt)
      (user-error "There is nothing to send here: select text or go to a paragraph"))
    (deactivate-mark)
    (sluice-chat-send prompt (cdr bounds))))

(defun sluice-chat-send (prompt position)
  "Send PROMPT and stream the answer in at POSITION of the current buffer.
Return the `sluice-chat' that stands for it."
  (let* ((conn (sluice-require))
         (id (sluice-rpc-next-id))
         (chat (sluice-chat--make
                :id id :conn conn
                :answer (sluice-answer-open id (current-buffer) position))))
    (puthash id chat sluice-chat--live)
    (condition-case err
        (sluice-rpc-request conn "chat" (append (list :tag id) (sluice-chat--params prompt))
                            :id id
                            :success (lambda (result) (sluice-chat--done chat result))
                            :error (lambda (err) (sluice-chat--failed chat err)))
      (error (sluice-chat--finish chat)
             (signal (car err) (cdr err))))
    (message "Sent to %s.  %s" sluice-model
             (substitute-command-keys "\\[sluice-abort] stops it"))
    chat))

(defun sluice-chat--home (chat)
  "Return the buffer from which CHAT was sent."
  (sluice-answer-home (sluice-chat-answer chat)))

;;;; What the daemon tells

(cl-defmethod sluice-rpc-notify ((_method (eql 'delta)) params)
  "Write the piece of an answer in PARAMS."
  (when-let* ((chat (gethash (plist-get params :id) sluice-chat--live)))
    (sluice-chat--know chat (plist-get params :call))
    (sluice-chat--show-state chat nil)
    (sluice-chat--write chat (or (plist-get params :text) ""))))

(cl-defmethod sluice-rpc-notify ((_method (eql 'state)) params)
  "Show the state of a call in PARAMS."
  (when-let* ((chat (gethash (plist-get params :id) sluice-chat--live)))
    (sluice-chat--know chat (plist-get params :call))
    (sluice-chat--show-state chat params)))

(defun sluice-chat--write (chat text)
  "Write TEXT to the answer of CHAT, or stop it if the user has removed the answer."
  (let ((answer (sluice-chat-answer chat)))
    (if (not (sluice-answer-removed-p answer))
        (sluice-answer-add answer text)
      (sluice-chat--stop chat)
      (message "You took the answer away, so it was stopped"))))

(defun sluice-chat--know (chat call)
  "Remember that CALL is the daemon's id of CHAT."
  (when (and call (not (sluice-chat-call chat)))
    (setf (sluice-chat-call chat) call)
    (sluice-note-call call (sluice-chat--home chat))))

(defun sluice-chat--done (chat result)
  "Finish CHAT, whose call ended well with RESULT."
  (when (gethash (sluice-chat-id chat) sluice-chat--live)
    (sluice-chat--know chat (plist-get result :id))
    (when (sluice-answer-empty-p (sluice-chat-answer chat))
      (sluice-chat--write chat (or (plist-get result :text) "")))
    (sluice-chat--finish chat)
    (let ((usage (plist-get result :usage)))
      (message "%s%s%s" (or (plist-get result :model) sluice-model)
               (if (equal (plist-get result :finish) "length")
                   " stopped at the token limit" " has answered")
               (if usage
                   (format " (%s + %s tokens)"
                           (plist-get usage :input) (plist-get usage :output))
                 "")))))

(defun sluice-chat--failed (chat err)
  "Finish CHAT, whose call failed with ERR, and say why."
  (when (gethash (sluice-chat-id chat) sluice-chat--live)
    (let ((call (or (plist-get (plist-get err :data) :call) (sluice-chat-call chat)))
          (code (plist-get err :code)))
      (sluice-chat--know chat call)
      (sluice-chat--finish chat)
      (cond ((eql code sluice-rpc-cancelled-code) (message "Stopped"))
            ((eql code sluice-rpc-died-code)
             (message "Sluice's daemon has gone away%s.  Send again to start it anew"
                      (if (sluice-answer-empty-p (sluice-chat-answer chat)) ""
                        "; the answer is not complete")))
            (t (when call (sluice-note-failure call (sluice-chat--home chat)))
               (message "%s" (plist-get err :message)))))))

(defun sluice-chat--finish (chat)
  "Forget that CHAT is being written."
  (sluice-chat--show-state chat nil)
  (remhash (sluice-chat-id chat) sluice-chat--live))

;;;; While it waits

(defun sluice-chat--state-text (state now)
  "Return in words what STATE, a plist, means at the time NOW; nil: nothing."
  (let ((place (plist-get state :place))
        (eta (plist-get state :eta_at))
        (reason (plist-get state :reason)))
    (when (or place eta)
      (string-join
       (delq nil (list (cond ((null place)
                              (if (equal (plist-get state :state) "held") "waits to be sent again"
                                "waits"))
                             ((> place 1) (format "waits, number %d in line" place))
                             (t "waits, next in line"))
                       (and eta (> eta now)
                            (let ((left (ceiling (- eta now))))
                              (format "goes in %d:%02d" (/ left 60) (% left 60))))
                       (and reason (not (equal reason "")) reason)))
       " · "))))

(defun sluice-chat--show-state (chat state)
  "Show STATE where the answer of CHAT will stand; nil means that it does not wait."
  (setf (sluice-chat-state chat) state)
  (let ((text (and state (sluice-chat--state-text state (float-time)))))
    (sluice-answer-show (sluice-chat-answer chat) text)
    (when text (sluice-chat--count-down))))

(defun sluice-chat--count-down ()
  "Have the shown waiting times go down each second while there are some."
  (unless sluice-chat--clock
    (setq sluice-chat--clock (run-at-time 1 1 #'sluice-chat--tick-all))))

(defun sluice-chat--tick-all ()
  "Show all waiting times anew; stop the clock when there are none."
  (let ((waiting nil))
    (maphash (lambda (_id chat)
               (when (sluice-answer-overlay (sluice-chat-answer chat))
                 (setq waiting t)
                 (sluice-chat--show-state chat (sluice-chat-state chat))))
             sluice-chat--live)
    (unless waiting
      (cancel-timer sluice-chat--clock)
      (setq sluice-chat--clock nil))))

;;;; Stopping

(defun sluice-chat--stop (chat)
  "Stop CHAT: nothing more is written, and the daemon gives up the call."
  (sluice-chat--finish chat)
  (sluice-rpc-cancel (sluice-chat-conn chat) (sluice-chat-id chat)))

(defun sluice-chat--of-buffer (buffer)
  "Return the live chats of BUFFER, newest first."
  (sort (cl-remove-if-not
         (lambda (chat) (or (eq buffer (sluice-chat--home chat))
                            (eq buffer (sluice-answer-buffer (sluice-chat-answer chat)))))
         (hash-table-values sluice-chat--live))
        (lambda (a b) (> (sluice-chat-id a) (sluice-chat-id b)))))

;;;###autoload
(defun sluice-abort (&optional all)
  "Stop the answer at point, else the newest one of this buffer.
With prefix argument ALL stop all of this buffer."
  (interactive "P")
  (let* ((chats (or (sluice-chat--of-buffer (current-buffer))
                    (user-error "No answer is on its way to this buffer")))
         (here (and (not all)
                    (cl-find-if (lambda (chat)
                                  (sluice-answer-at-point-p (sluice-chat-answer chat)))
                                chats)))
         (chosen (cond (all chats) (here (list here)) (t (list (car chats))))))
    (mapc #'sluice-chat--stop chosen)
    (message (if (cdr chosen) "Stopped %d answers" "Stopped") (length chosen))))

(provide 'sluice-chat)
;;; sluice-chat.el ends here
