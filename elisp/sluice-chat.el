;;; sluice-chat.el --- Calls whose answers stream in -*- lexical-binding: t; -*-

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

;; A call whose answer streams in while you go on working: what is asked for it, what
;; is shown while it waits, and how it is stopped.  `sluice-chat-start' begins one;
;; the commands that do so are in sluice-send.el, sluice-conversation.el and
;; sluice-rewrite.el.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'auth-source)
(require 'sluice)
(require 'sluice-answer)
(require 'sluice-notify)
(require 'sluice-explain)

(defcustom sluice-host "api.openai.com"
  "The host to which `sluice-send' talks, as the daemon knows it."
  :type 'string
  :safe #'stringp
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
A function gets the host and returns the key, or nil.  A text is the key
itself; who reads the file in which it is set can read it.  Without a key the
daemon uses the one in its environment, for example OPENAI_API_KEY."
  :type '(choice (const :tag "The daemon's environment" nil) function
                 (string :tag "Key"))
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

(cl-defstruct (sluice-chat (:constructor sluice-chat--make) (:copier nil))
  "A call whose answer is being written."
  id conn                               ; of the request
  call                                  ; the daemon's id of the call
  answer                                ; a `sluice-answer'
  messages host model                   ; what was sent, and where
  began                                 ; when, in Unix seconds
  (waited 0)                            ; seconds until its first piece came
  (size 0)                              ; characters that have come
  on-end                                ; called with this and how it ended
  finish                                ; why the model ended, as the daemon says it
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

(defun sluice-chat-message (role content)
  "Return CONTENT said by ROLE, \"user\" or \"assistant\", as the daemon takes it."
  (list :role role :content content))

(defun sluice-current-host ()
  "Return the host to which this buffer sends."
  (sluice-settings-host sluice-host))

(defun sluice-current-model ()
  "Return the model to which this buffer sends."
  (sluice-settings-text sluice-model))

(defun sluice-chat--params (messages system)
  "Return the parameters of the request that sends MESSAGES under SYSTEM."
  (list :host (sluice-current-host) :model (sluice-current-model)
        :messages (vconcat messages)
        :system system
        :max_tokens sluice-max-tokens :temperature sluice-temperature
        :key (cond ((sluice-sandbox-connected-p) sluice-keys-sandbox)
                   ((stringp sluice-key) sluice-key)
                   (sluice-key (funcall sluice-key (sluice-current-host))))
        :stream t :priority "interactive" :client "emacs" :language sluice-language))

(cl-defun sluice-chat-start (messages place &key system on-end)
  "Send MESSAGES, stream the answer to PLACE; return the `sluice-chat'.
PLACE is a function that gets an id and returns a `sluice-answer'.
SYSTEM is the system prompt.  ON-END is called at the end, with the chat and one
of the symbols `done', `failed', `stopped' and `died'."
  (sluice-settings-check 'sluice-host 'sluice-model 'sluice-language)
  (let* ((conn (sluice-explain-require (current-buffer)))
         (id (sluice-rpc-next-id))
         ;; First of all, since a person may have to unlock the key, and may quit.
         (params (append (list :tag id) (sluice-chat--params messages system)))
         (chat (sluice-chat--make
                :id id :conn conn :answer (funcall place id) :messages messages
                :host (sluice-current-host) :model (sluice-current-model) :began (float-time) :on-end on-end)))
    (puthash id chat sluice-chat--live)
    (sluice-chat--show-live chat)
    (condition-case err
        (sluice-rpc-request conn "chat" params :id id
                            :success (lambda (result) (sluice-chat--done chat result))
                            :error (lambda (err) (sluice-chat--failed chat err)))
      ((error quit) (sluice-chat--finish chat 'failed)
                    (signal (car err) (cdr err))))
    (message "%s" (sluice-gettext "Sent to %s.  %s stops it" sluice-model
                                  (substitute-command-keys "\\[sluice-abort]")))
    chat))

(defun sluice-chat-send (prompt position)
  "Send PROMPT and stream the answer in at POSITION of the current buffer.
Return the `sluice-chat' that stands for it."
  (let ((buffer (current-buffer)))
    (sluice-chat-start (list (sluice-chat-message "user" prompt))
                       (lambda (id) (sluice-answer-open id buffer position))
                       :system sluice-system-prompt)))

(defun sluice-chat--home (chat)
  "Return the buffer from which CHAT was sent."
  (sluice-answer-home (sluice-chat-answer chat)))

;;;; What the daemon tells

(cl-defmethod sluice-rpc-notify ((_method (eql 'delta)) params)
  "Write the piece of an answer in PARAMS."
  (when-let* ((chat (gethash (plist-get params :id) sluice-chat--live)))
    (sluice-chat--know chat (plist-get params :call))
    (when (sluice-chat-state chat)
      (sluice-chat--show-state chat nil))
    (sluice-chat--write chat (or (plist-get params :text) ""))))

(cl-defmethod sluice-rpc-notify ((_method (eql 'state)) params)
  "Show the state of a call in PARAMS."
  (when-let* ((chat (gethash (plist-get params :id) sluice-chat--live)))
    (sluice-chat--know chat (plist-get params :call))
    (sluice-chat--show-state chat params)))

(defun sluice-chat--write (chat text)
  "Write TEXT to the answer of CHAT, or stop it if the user has removed the answer."
  (let ((answer (sluice-chat-answer chat)))
    (when (zerop (sluice-chat-size chat))
      (setf (sluice-chat-waited chat) (- (float-time) (sluice-chat-began chat))))
    (cl-incf (sluice-chat-size chat) (length text))
    (if (not (sluice-answer-removed-p answer))
        (sluice-answer-add answer text)
      (sluice-chat--stop chat)
      (message "%s" (sluice-gettext "You took the answer away, so it was stopped")))))

(defun sluice-chat--know (chat call)
  "Remember that CALL is the daemon's id of CHAT."
  (when (and call (not (sluice-chat-call chat)))
    (setf (sluice-chat-call chat) call)
    (sluice-note-call call (sluice-chat--home chat))))

(defun sluice-chat--done (chat result)
  "Finish CHAT, whose call ended well with RESULT."
  (when (gethash (sluice-chat-id chat) sluice-chat--live)
    (sluice-chat--know chat (plist-get result :id))
    (setf (sluice-chat-finish chat) (plist-get result :finish))
    (when (sluice-answer-empty-p (sluice-chat-answer chat))
      (sluice-chat--write chat (or (plist-get result :text) "")))
    (let ((words (sluice-chat--done-words result (plist-get result :usage))))
      (message "%s" words)
      (sluice-notify-over (sluice-chat--home chat) words (sluice-chat-waited chat)))
    (sluice-chat--finish chat 'done)))

(defun sluice-chat-cut-p (chat)
  "Return non-nil if the answer of CHAT is cut off at the token limit."
  (equal "length" (sluice-chat-finish chat)))

(defun sluice-chat--done-words (result usage)
  "Return in words that the call of RESULT has ended well and what USAGE it had."
  (let ((model (or (plist-get result :model) sluice-model)))
    (concat (if (equal (plist-get result :finish) "length")
                (sluice-gettext "%s stopped at the token limit" model)
              (sluice-gettext "%s has answered" model))
            (if usage
                (sluice-gettext " (%s + %s tokens)" (plist-get usage :input)
                                (plist-get usage :output))
              ""))))

(defun sluice-chat--failed (chat err)
  "Finish CHAT, whose call failed with ERR, and say why."
  (when (gethash (sluice-chat-id chat) sluice-chat--live)
    (let ((call (or (plist-get (plist-get err :data) :call) (sluice-chat-call chat)))
          (code (plist-get err :code)))
      (sluice-chat--know chat call)
      (cond ((eql code sluice-rpc-cancelled-code)
             (message "%s" (sluice-gettext "Stopped"))
             (sluice-chat--finish chat 'stopped))
            ((and (eql code sluice-rpc-died-code) (sluice-rpc-closing (sluice-chat-conn chat)))
             (message "%s" (sluice-gettext "You have disconnected from Sluice, so this answer was \
stopped.  Send again to connect anew"))
             (sluice-chat--finish chat 'stopped))
            ((eql code sluice-rpc-died-code)
             (sluice-chat--died chat call))
            (t (sluice-chat--tell-failed chat call (plist-get err :message)))))))

(defun sluice-chat--tell-failed (chat call words)
  "Finish CHAT, whose CALL failed; WORDS say why, and the key for more is named.
Without an id in CALL, the daemon has refused to begin one."
  (let ((home (sluice-chat--home chat)))
    (sluice-answer-mark-broken (sluice-chat-answer chat))
    (sluice-chat--finish chat 'failed)
    (message "%s" (sluice-gettext "%s  %s explains it" words (sluice-chat--explain-key home)))
    (if call
        (sluice-note-failure call home words)
      (sluice-explain-note-refusal home (sluice-gettext "Sluice has not taken this call") words))))

(defun sluice-chat--explain-key (buffer)
  "Return the key that explains the last failure, as it is in BUFFER."
  (with-current-buffer (if (buffer-live-p buffer) buffer (current-buffer))
    (substitute-command-keys "\\[sluice-explain-last]")))

(defun sluice-chat--died (chat call)
  "Finish CHAT, whose daemon has gone away, and say so; CALL is its id, or nil."
  (let ((words (sluice-chat--died-words chat))
        (call (or call (concat "emacs-chat-" (number-to-string (sluice-chat-id chat))))))
    (sluice-explain-note-stopped call)
    (sluice-tell-gone words)
    (sluice-answer-mark-broken (sluice-chat-answer chat))
    (sluice-chat--finish chat 'died)
    (sluice-note-failure call (sluice-chat--home chat) words)))

(defun sluice-chat--died-words (chat)
  "Return in words that the daemon has gone away while it worked on CHAT."
  (if (sluice-answer-empty-p (sluice-chat-answer chat))
      (sluice-gettext "Sluice's daemon has gone away.  Send again to start it anew")
    (sluice-gettext "Sluice's daemon has gone away; the answer is not complete.  \
Send again to start it anew")))

(defun sluice-chat--finish (chat outcome)
  "Forget that CHAT is being written: it has ended with OUTCOME, a symbol."
  (setf (sluice-chat-state chat) nil)
  (remhash (sluice-chat-id chat) sluice-chat--live)
  ;; First the rest of the answer, then its place is closed: it is one step of undo.
  (when (sluice-chat-on-end chat)
    (funcall (sluice-chat-on-end chat) chat outcome))
  (sluice-answer-close (sluice-chat-answer chat))
  (sluice-chat--show-live chat))

;;;; While it waits

(defun sluice-chat--state-text (state now)
  "Return in words what STATE, a plist, means at the time NOW; nil: nothing."
  (let ((place (plist-get state :place))
        (eta (plist-get state :eta_at))
        (reason (plist-get state :reason)))
    (when (or place eta)
      (string-join
       (delq nil (list (cond ((and place (> place 1))
                              (sluice-gettext "waits, number %d in line" place))
                             (place (sluice-gettext "waits, next in line"))
                             ((equal (plist-get state :state) "held")
                              (sluice-gettext "waits to be sent again"))
                             (t (sluice-gettext "waits")))
                       (when-let* ((left (sluice-left-text eta now)))
                         (sluice-gettext "goes in %s" left))
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
               (when (sluice-chat-state chat)
                 (setq waiting t)
                 (sluice-chat--show-state chat (sluice-chat-state chat))))
             sluice-chat--live)
    (when waiting (force-mode-line-update t))
    (unless waiting
      (cancel-timer sluice-chat--clock)
      (setq sluice-chat--clock nil))))

;;;; In the buffer

(defvar sluice-live-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map [remap keyboard-quit] #'sluice-quit)
    map)
  "Keys in a buffer while an answer to it is on its way.")

(define-minor-mode sluice-live-mode
  "On in a buffer while an answer to it is on its way.
The mode line says how it stands; \\[keyboard-quit] stops it."
  :lighter (:eval (sluice-chat--lighter))
  :group 'sluice
  (if sluice-live-mode
      (add-hook 'kill-buffer-hook #'sluice-chat--buffer-killed nil t)
    (remove-hook 'kill-buffer-hook #'sluice-chat--buffer-killed t)))

;; A change of the major mode does not change for what a buffer is waited.
(put 'sluice-chat--buffer-killed 'permanent-local-hook t)

(defun sluice-chat--buffer-killed ()
  "Stop the answers that go with this buffer, which is being killed."
  (dolist (chat (sluice-chat--of-buffer (current-buffer)))
    (when (and (eq (current-buffer) (sluice-answer-buffer (sluice-chat-answer chat)))
               (sluice-answer-bound-p (sluice-chat-answer chat)))
      ;; Nothing may keep a buffer from being killed.
      (with-demoted-errors "Sluice: %S"
        (sluice-chat--stop chat)
        (message "%s" (sluice-gettext "You took the answer away, so it was stopped"))))))

(defun sluice-chat--show-live (chat)
  "Have the buffers of CHAT show whether an answer is on its way to them."
  (dolist (buffer (list (sluice-chat--home chat)
                        (sluice-answer-buffer (sluice-chat-answer chat))))
    (when (buffer-live-p buffer)
      (with-current-buffer buffer
        (sluice-live-mode (if (sluice-chat--of-buffer buffer) 1 -1))
        (force-mode-line-update)))))

(defun sluice-chat--lighter ()
  "Return in a few words how the newest answer to this buffer stands."
  (when-let* ((chat (car (sluice-chat--of-buffer (current-buffer)))))
    (let ((left (sluice-left-text (plist-get (sluice-chat-state chat) :eta_at) (float-time)))
          (size (sluice-chat-size chat)))
      (concat " " (cond (left (sluice-gettext "waits %s" left))
                        ((zerop size) (sluice-gettext "sent"))
                        ((< size 1000) (sluice-gettext "writes"))
                        (t (sluice-gettext "writes %.1fk" (/ size 1000.0))))))))

;;;; Stopping

(defun sluice-chat--stop (chat)
  "Stop CHAT: nothing more is written, and the daemon gives up the call."
  (sluice-chat--finish chat 'stopped)
  (sluice-rpc-cancel (sluice-chat-conn chat) (sluice-chat-id chat)))

(defun sluice-chat--of-buffer (buffer)
  "Return the live chats of BUFFER, newest first."
  (sort (cl-remove-if-not
         (lambda (chat) (or (eq buffer (sluice-chat--home chat))
                            (eq buffer (sluice-answer-buffer (sluice-chat-answer chat)))))
         (hash-table-values sluice-chat--live))
        (lambda (a b) (> (sluice-chat-id a) (sluice-chat-id b)))))

(defun sluice-chat--meant ()
  "Return the live chat whose answer is at point, else the newest of this buffer."
  (let ((chats (sluice-chat--of-buffer (current-buffer))))
    (or (cl-find-if (lambda (chat) (sluice-answer-at-point-p (sluice-chat-answer chat)))
                    chats)
        (car chats))))

(defvar sluice-abort-functions nil
  "Functions that stop what another package waits for in the current buffer.
They get the prefix argument of `sluice-abort', and are called one after the
other until one returns non-nil: it has stopped something, and has said so.")

;;;###autoload
(defun sluice-abort (&optional all)
  "Stop the answer at point, else the newest one of this buffer.
With prefix argument ALL stop all of this buffer.  With `sluice-gptel-mode',
calls of gptel are stopped too, by `gptel-abort'."
  (interactive "P")
  (let ((chat (sluice-chat--meant)))
    (if chat
        (let ((chosen (if all (sluice-chat--of-buffer (current-buffer)) (list chat))))
          (mapc #'sluice-chat--stop chosen)
          (message "%s" (if (cdr chosen) (sluice-gettext "Stopped %d answers" (length chosen))
                          (sluice-gettext "Stopped"))))
      (unless (run-hook-with-args-until-success 'sluice-abort-functions all)
        (user-error "%s" (sluice-gettext "No answer is on its way to this buffer"))))))

(defun sluice-quit ()
  "Stop the answer that is on its way to this buffer; without one, quit as usual.
With an active region only that is given up: who means the answer presses the
key again."
  (interactive)
  (if (or (region-active-p) (not (sluice-chat--meant)))
      (keyboard-quit)
    (deactivate-mark)
    (sluice-abort)))

(defun sluice-chat-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (mapc #'sluice-chat--stop (hash-table-values sluice-chat--live))
  (when sluice-chat--clock (cancel-timer sluice-chat--clock))
  nil)

(provide 'sluice-chat)
;;; sluice-chat.el ends here
