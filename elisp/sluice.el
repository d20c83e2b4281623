;;; sluice.el --- Pace, resend and explain calls to language models -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; Version: 0.1.0
;; Package-Requires: ((emacs "28.1") (transient "0.3.7"))
;; Keywords: comm, convenience, tools
;; URL: https://github.com/sluice-llm/sluice
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

;; Sluice is a local daemon through which calls to language models go.  It lets
;; each call go when the provider's limits allow it, sends it again when that is
;; worth it, and says in plain words why a call failed and what you can do.
;;
;; With gptel, this is all:
;;
;;   (sluice-gptel-mode 1)
;;
;; Without gptel, or beside it, give the commands a prefix key:
;;
;;   (global-set-key (kbd "C-c g") sluice-command-map)
;;
;;   g  a menu          s  send the region or paragraph   p  ask in the minibuffer
;;   c  a chat          r  rewrite the region             k  stop an answer
;;   e  explain the last failure                          E  explain an error text
;;   q  what waits      l  limits                         L  the newest calls
;;   D  what is wrong here                                ?  all keys
;;
;; This file finds the daemon, starts it when you want so, and keeps the one
;; connection.  The commands live in the other files, each named after its subject.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice-rpc)
(require 'sluice-settings)
(require 'sluice-keys)
(require 'sluice-words)

(defgroup sluice nil
  "Pace, resend and explain calls to language models."
  :group 'tools
  :group 'comm
  :prefix "sluice-"
  :link '(url-link "https://github.com/sluice-llm/sluice"))

;; Files with settings are loaded when the group is shown, so that it has them all.
(dolist (file '(sluice-answer sluice-calls sluice-chat sluice-conversation sluice-explain
                sluice-gptel sluice-limits sluice-llm sluice-mode-line sluice-notify
                sluice-rewrite sluice-send sluice-usage sluice-warnings))
  (custom-add-load 'sluice file))

(defcustom sluice-socket nil
  "The Unix socket of the daemon.
When nil, it is the one in `sluice-daemon-command', or in the environment
variable SLUICE_SOCKET, else the one that the daemon has written down in its
state directory."
  :type '(choice (const :tag "Find it" nil) file)
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-start-daemon 'ask
  "Whether to start the daemon when it does not answer."
  :type '(choice (const :tag "Ask" ask) (const :tag "Always" t) (const :tag "Never" nil))
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-daemon-command '("sluice" "serve")
  "The program that starts the daemon, and its arguments.
The program is also known as `daemon', but some systems have another one of
that name.  The options --state-dir, --socket, --config and --sandbox behind
`serve' also tell Emacs which daemon is meant."
  :type '(repeat string)
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-language nil
  "The language of all that Sluice says, for example \"en\", \"ko\" or \"zh\".
When nil, the daemon decides; as long as it is not there, the system's locale."
  :type '(choice (const :tag "The daemon's choice" nil) string)
  :package-version '(sluice . "0.1.0"))

(defcustom sluice-timeout 5
  "Seconds to wait for the daemon's answer to a question that blocks Emacs.
Calls to a model never block; this is about explanations, status and the like."
  :type 'number
  :package-version '(sluice . "0.1.0"))

(defconst sluice-version "0.1.0"
  "The version of this package.")

(defconst sluice-install-command "pipx install ."
  "What is typed in Sluice's folder to install the daemon.
It is in no archive: whoever took its name there could give you anything.")

(defconst sluice-upgrade-command "git pull && pipx install --force ."
  "What is typed in Sluice's folder to update this package and the daemon.")

(defconst sluice-protocol 1
  "The version of the protocol that this package speaks.")

;;;; Where the daemon is

(defun sluice--endpoint (directory)
  "Return the plist in DIRECTORY's endpoint.json, or nil."
  (let ((file (expand-file-name "endpoint.json" directory)))
    (when (file-readable-p file)
      (ignore-errors
        (with-temp-buffer
          (insert-file-contents file)
          (json-parse-buffer :object-type 'plist :null-object nil))))))

(defun sluice--endpoints ()
  "Return what daemons have written down, a list of plists with :socket and :pid."
  (delq nil (mapcar #'sluice--endpoint (sluice-settings-state-directories))))

(defun sluice-address ()
  "Return the daemon's socket as far as it is known now, or nil."
  (or sluice-socket
      (sluice-settings-folder-option "--socket")
      (getenv "SLUICE_SOCKET")
      (let ((written (delq nil (mapcar (lambda (endpoint) (plist-get endpoint :socket))
                                       (sluice--endpoints)))))
        ;; A daemon that was killed has left its address.
        (or (cl-find-if #'file-exists-p written) (car written)))))

;;;; The connection

(defvar sluice--connection nil
  "The connection to the daemon, or what is left of it.")

(defvar sluice-connection-functions nil
  "Functions called with t when there is a connection, nil when not any more.
They get the symbol `closed' when this Emacs has closed it itself.")

(defun sluice--introduction ()
  "Return the parameters with which this Emacs introduces itself."
  (list :client "emacs" :version sluice-version :protocol sluice-protocol
        :answers sluice-keys-questions :language (sluice-settings-text sluice-language)))

(defvar sluice--greeting nil
  "The connection to a daemon that has not greeted back yet, or nil.
There is one at a time, and it stays open: a daemon that hangs is not asked
again and again, and its answer counts whenever it comes.")

(defvar sluice--greeting-since 0
  "When `sluice--greeting' was begun, a Unix time.")

(defvar sluice--complained nil
  "What was last said of a daemon that does not greet as it should.
In the background the same is not said again.")

(defun sluice-connect ()
  "Have a connection to the daemon made, if it is there; do not wait for it.
`sluice-connection-functions' are called when there is one.  Return non-nil if
there is one already, or somebody was there to be greeted."
  (or (sluice-rpc-live-p sluice--connection)
      (let ((address (sluice-address)))
        (unless (and (sluice-rpc-live-p sluice--greeting)
                     (equal address (sluice-rpc-address sluice--greeting)))
          (sluice--stop-greeting)
          (when address (sluice--greet address)))
        (and sluice--greeting t))))

(defun sluice--greet (address)
  "Connect to the daemon at ADDRESS and introduce this Emacs; do not wait."
  (condition-case nil
      (let ((conn (sluice-rpc-open address :on-death #'sluice--lost)))
        (setq sluice--greeting conn
              sluice--greeting-since (float-time))
        (sluice-rpc-request conn "hello" (sluice--introduction)
                            :success (lambda (hello) (sluice--greeted conn hello))
                            :error (lambda (err) (sluice--not-greeted conn err)))
        (run-at-time sluice-timeout nil #'sluice--say-silent conn))
    ;; Of a wrong setting who gives a command is told.
    (error nil)))

(defun sluice--greeted (conn hello)
  "Note that the daemon behind CONN has said HELLO: this is the connection now."
  (when (eq conn sluice--greeting)
    (setq sluice--greeting nil
          sluice--complained nil
          sluice--connection conn
          sluice-words-heard (plist-get hello :language))
    (setf (sluice-rpc-hello conn) hello)
    (sluice--check-protocol hello)
    (run-hook-with-args 'sluice-connection-functions t)))

(defun sluice--check-protocol (hello)
  "Say so if the daemon that has said HELLO speaks another protocol than we do."
  (when (plist-get hello :warning)
    (message "Sluice: %s" (plist-get hello :warning)))
  (unless (eql (plist-get hello :protocol) sluice-protocol)
    (message "%s" (sluice-gettext
                   "Sluice: the daemon (%s) speaks protocol %s, this package (%s) speaks %s.  \
Update both in Sluice's folder: %s; then start the daemon and Emacs anew"
                   (plist-get hello :version) (plist-get hello :protocol)
                   sluice-version sluice-protocol sluice-upgrade-command))))

(defun sluice--not-greeted (conn err)
  "Give up CONN, on which the greeting was answered with ERR."
  (when (eq conn sluice--greeting)
    (sluice--stop-greeting)
    ;; Just after a kill the kernel accepts for a daemon that is gone: that is none.
    (unless (eq sluice-rpc-died-code (plist-get err :code))
      (sluice--complain (sluice-gettext
                         "Sluice: what listens at %s does not greet as it should: %s"
                         (sluice-rpc-address conn) (plist-get err :message))))))

(defun sluice--complain (text)
  "Say TEXT, unless it is what was said last."
  (unless (equal text sluice--complained)
    (setq sluice--complained text)
    (message "%s" text)))

(defun sluice--stop-greeting ()
  "Wait no longer for a greeting."
  (let ((conn sluice--greeting))
    (setq sluice--greeting nil)
    (when (sluice-rpc-p conn) (sluice-rpc-close conn))))

(defun sluice--say-silent (conn)
  "Say that the daemon behind CONN does not answer, if it has not greeted yet."
  (when (and (eq conn sluice--greeting) (sluice-rpc-live-p conn))
    (sluice--complain (sluice-silent-text))))

(defun sluice-silent-p ()
  "Return non-nil if the daemon is there, but has not greeted back in time."
  (and (sluice-rpc-live-p sluice--greeting)
       (> (float-time) (+ sluice--greeting-since sluice-timeout))))

(defun sluice-silent-pid ()
  "Return the process id of the daemon that does not answer, or nil."
  (if (sluice-rpc-live-p sluice--connection)
      (plist-get (sluice-rpc-hello sluice--connection) :pid)
    (plist-get (cl-find (sluice-address) (sluice--endpoints) :test #'equal
                        :key (lambda (endpoint) (plist-get endpoint :socket)))
               :pid)))

(defun sluice-silent-text ()
  "Return what is said of a daemon that does not answer: what to do now."
  (let ((pid (sluice-silent-pid)))
    (if pid
        (sluice-gettext "The Sluice daemon does not answer.  If it hangs, end it in a terminal: \
%s; then start it anew with M-x sluice-start" (format "kill -9 %s" pid))
      (sluice-gettext "The Sluice daemon does not answer at %s.  If it hangs, end its process; \
then start it anew with M-x sluice-start"
                      (abbreviate-file-name (or (sluice-address) "?"))))))

(defun sluice--refuse-silent ()
  "Signal a `user-error' if the daemon is there, but does not answer."
  (when (sluice-rpc-live-p sluice--greeting)
    (user-error "%s" (setq sluice--complained (sluice-silent-text)))))

(defun sluice--await-greeting ()
  "Wait for the daemon to greet back, as long as that is worth it.
Emacs is not held up again by a daemon that has not answered before."
  ;; Timers, and what comes from a process, cannot be quit: they wait a moment, once.
  (let ((limit (if inhibit-quit
                   (+ sluice--greeting-since 0.5)
                 (max (+ (float-time) 0.1) (+ sluice--greeting-since sluice-timeout)))))
    (while (and (sluice-rpc-live-p sluice--greeting) (< (float-time) limit))
      (accept-process-output (sluice-rpc-process sluice--greeting) 0.1))))

(defun sluice-connection ()
  "Return a live connection to the daemon, or nil.  Do not start the daemon.
A command waits for its greeting; what nobody has asked for calls
`sluice-connect'."
  (unless (sluice-rpc-live-p sluice--connection)
    (setq sluice--connection nil)
    ;; Who asks is told, also what was said before.
    (unless (or inhibit-quit sluice--greeting) (setq sluice--complained nil))
    (when (sluice-connect)
      (sluice--await-greeting)
      ;; Once more for the one that was accepted and closed at once, see above.
      (unless (or sluice--connection (sluice-rpc-live-p sluice--greeting))
        (when (sluice-connect) (sluice--await-greeting)))))
  sluice--connection)

(defun sluice-disconnect ()
  "Close the connection to the daemon; the daemon lives on."
  (interactive)
  (when (called-interactively-p 'any)
    (message "%s" (if (sluice-rpc-live-p sluice--connection)
                      (sluice-gettext "Disconnected from Sluice.  The daemon lives on; the next call \
connects again")
                    (sluice-gettext "Emacs was not connected to Sluice, so nothing has changed"))))
  (when (sluice-rpc-live-p sluice--connection)
    (sluice-rpc-close sluice--connection))
  (setq sluice--connection nil)
  (sluice--stop-greeting)
  (run-hook-with-args 'sluice-connection-functions 'closed))

(defun sluice--lost (conn)
  "Note that the daemon behind CONN has gone."
  (when (eq conn sluice--connection)
    (setq sluice--connection nil)
    (run-hook-with-args 'sluice-connection-functions nil)))

;;;; Starting the daemon

(defconst sluice--start-limit 10
  "Seconds that a started daemon has until it must answer.
It needs less than one, but a busy machine was seen to take five.")

(defun sluice--command-line ()
  "Return the shell command to start the daemon by hand."
  (mapconcat #'shell-quote-argument (sluice--command) " "))

(defun sluice--command ()
  "Return program and arguments to start the daemon."
  (append (sluice-settings-command)
          (and sluice-socket (list "--socket" (expand-file-name sluice-socket)))))

(defun sluice-start-hint ()
  "Return a sentence about how to start the daemon."
  (sluice-gettext "Start it with M-x sluice-start, or in a terminal: %s"
                  (sluice--command-line)))

(defun sluice-missing-text ()
  "Return what is said where the daemon is missing or silent: what to do now."
  (if (sluice-rpc-live-p sluice--greeting)
      (sluice-silent-text)
    (sluice-gettext "Sluice is not running.  %s" (sluice-start-hint))))

(defun sluice-missing-title ()
  "Return in few words why there is no connection to the daemon."
  (if (sluice-rpc-live-p sluice--greeting)
      (sluice-gettext "Sluice does not answer")
    (sluice-gettext "Sluice is not running")))

(defun sluice-not-running-text ()
  "Return what is said when the daemon is missing: what to do now."
  (sluice-gettext "Sluice is not running, so nothing was sent.  %s" (sluice-start-hint)))

(defvar sluice--gone-told 0
  "When a person was last told that the daemon has gone, a Unix time.")

(defun sluice-tell-gone (text)
  "Say TEXT about a daemon that has gone: what happened, and what to do."
  (setq sluice--gone-told (float-time))
  (message "%s" text))

(defconst sluice--launch-script
  "folder=$1; shift
{ \"$@\" 2>&1 >/dev/null </dev/null; echo $? >\"$folder/status\"; } 2>/dev/null |
{ head -c 8192 >\"$folder/said\"; cat >/dev/null; : >\"$folder/ended\"; } 2>/dev/null"
  "What the shell does to start a daemon: its first argument is a folder.
There it notes the first words on stderr and, once the daemon has ended, its
status.  Later words go nowhere; the daemon writes its own log.")

(defun sluice--launch (folder)
  "Start the daemon's process, which outlives this Emacs.
What becomes of it is written into FOLDER, see `sluice--launch-failure'."
  (let ((command (sluice--command))
        ;; A remote directory would make no sense, a mounted one would be kept busy.
        (default-directory (expand-file-name "~/")))
    (unless (executable-find (car command))
      (user-error "%s" (sluice-gettext
                        "The program `%s' is not in `exec-path'.  Install it in Sluice's \
folder: %s; or set `sluice-daemon-command'" (car command) sluice-install-command)))
    ;; With destination 0 the process survives Emacs; children of `make-process' do not.
    (apply #'call-process "sh" nil 0 nil "-c" sluice--launch-script "sluice" folder command)))

(defun sluice--launch-failure (folder)
  "Return why the daemon that was started with FOLDER has ended, or nil."
  (when (file-exists-p (expand-file-name "ended" folder))
    (let ((status (sluice--read (expand-file-name "status" folder)))
          (said (sluice--last-lines (sluice--read (expand-file-name "said" folder)))))
      ;; With 0 it has perhaps handed over to another program, such as systemd.
      (cond ((member status '("" "0")) nil)
            ((string-empty-p said)
             (sluice-gettext "The daemon ended at once with status %s and said nothing.  \
Run it in a terminal to see more: %s" status (sluice--command-line)))
            (t (sluice-gettext "The daemon ended at once.  Mend what it says, then \
M-x sluice-start: %s" said))))))

(defun sluice--read (file)
  "Return what is in FILE, without white space around it; \"\" if there is none."
  (if (file-readable-p file)
      (with-temp-buffer
        (let ((coding-system-for-read 'utf-8)) (insert-file-contents file))
        (string-trim (buffer-string)))
    ""))

(defun sluice--last-lines (text)
  "Return the last lines of TEXT, as many as the echo area has room for."
  (mapconcat (lambda (line) (truncate-string-to-width line 500 nil nil t))
             (last (split-string text "\n" t "[ \t\r]+") 3)
             "\n"))

;;;###autoload
(defun sluice-start ()
  "Start the daemon unless it is there, and return the connection to it.
\\[keyboard-quit] waits for it no longer."
  (interactive)
  (sluice-settings-check 'sluice-socket 'sluice-daemon-command)
  (unless (sluice-connection)
    (sluice--refuse-silent)
    (sluice--start-and-wait))
  (message "%s" (sluice-gettext "Sluice runs at %s" (sluice-rpc-address sluice--connection)))
  sluice--connection)

(defun sluice--start-and-wait ()
  "Start the daemon and wait until it answers, ends, or has had time enough."
  (let ((folder (make-temp-file "sluice-start" t))
        (limit (+ (float-time) sluice--start-limit))
        (failure nil))
    (unwind-protect
        (progn
          (sluice--launch folder)
          (message "%s" (sluice-gettext "Starting Sluice...  (C-g waits no longer)"))
          (with-local-quit
            (while (not (or (sluice-rpc-live-p sluice--connection)
                            (setq failure (sluice--launch-failure folder))
                            (> (float-time) limit)))
              (accept-process-output nil 0.05)
              (sluice-connect))))
      (delete-directory folder t))
    (unless (sluice-rpc-live-p sluice--connection)
      (user-error "%s" (or failure
                           (sluice-gettext "The daemon did not answer in %d seconds.  \
Run it in a terminal to see why: %s" sluice--start-limit (sluice--command-line)))))))

(defun sluice-ensure ()
  "Return a live connection; start the daemon according to `sluice-start-daemon'.
Return nil when there is none and it shall not be started.  One that does not
answer is a `user-error', since a second one would not help.  A person is asked
only in a command: timers, and what comes from a process, are in the middle of
what that person types."
  (sluice-settings-check 'sluice-socket)
  (or (sluice-connection)
      (sluice--refuse-silent)
      (when (and sluice-start-daemon
                 (or (eq sluice-start-daemon t)
                     ;; Emacs binds it for timers, filters and sentinels.
                     (and (not (or noninteractive inhibit-quit))
                          (y-or-n-p (sluice-gettext "Sluice is not running.  Start it? ")))))
        (sluice-start))))

(defun sluice-require ()
  "Like `sluice-ensure', but signal a `user-error' instead of returning nil.
That is for those who want to send something: it says that nothing was sent."
  (or (sluice-ensure) (user-error "%s" (sluice-not-running-text))))

(defun sluice-need ()
  "Like `sluice-require', for those who have nothing to send."
  (or (sluice-ensure) (user-error "%s" (sluice-missing-text))))

(defun sluice-ask (method &optional params)
  "Return the daemon's answer to METHOD with PARAMS, a plist.
What the daemon says against it becomes a `user-error'."
  (condition-case err
      (sluice-rpc-call (sluice-need) method params sluice-timeout)
    ;; It is connected, so it hangs or is very busy.
    (sluice-rpc-timeout (user-error "%s" (sluice-silent-text)))
    (sluice-rpc-died (setq sluice--gone-told (float-time))
                     (user-error "%s  %s" (cadr err) (sluice-start-hint)))
    (sluice-rpc-error (user-error "%s" (cadr err)))))

;;;; Words

(defun sluice-left-text (at now)
  "Return how long it is from NOW to AT, both Unix times, as \"0:12\".
Return nil if it is over."
  (when (and at (> at now))
    (let ((left (ceiling (- at now))))
      (if (< left 3600)
          (format "%d:%02d" (/ left 60) (% left 60))
        (format "%d:%02d:%02d" (/ left 3600) (/ (% left 3600) 60) (% left 60))))))

(defvar sluice--chosen-language nil
  "The connection and the language that it was told later than at its beginning.")

(defun sluice-speak (conn)
  "Have the daemon speak `sluice-language' over CONN.
It was told at the beginning; this is for who has chosen another one since."
  (let* ((language (sluice-settings-text sluice-language))
         (chosen (cons conn language)))
    (when (and language
               (not (equal language (plist-get (sluice-rpc-hello conn) :language)))
               (not (equal chosen sluice--chosen-language)))
      (setq sluice--chosen-language chosen)
      (sluice-rpc-request conn "hello" (sluice--introduction)))))

(defun sluice-language-header ()
  "Return arguments of curl that ask for `sluice-language'; none if it is nil."
  (let ((language (sluice-settings-text sluice-language)))
    ;; What is no name of a language must not become a part of a header.
    (and (stringp language)
         (string-match-p "\\`[A-Za-z0-9_.@-]+\\'" language)
         (list "-H" (concat "X-Sluice-Language: " language)))))

(defun sluice-page-width ()
  "Return to which column a page of ours is filled in its window."
  (max 30 (- (window-body-width (or (get-buffer-window nil t) (selected-window))) 2)))

;;;; Which call is meant

(defvar-local sluice-call nil
  "Id of the newest call that was made from this buffer.")

(defvar-local sluice-failed-call nil
  "Id of the newest call from this buffer that failed.")

;; A change of the major mode does not change what was sent.
(dolist (variable '(sluice-call sluice-failed-call))
  (put variable 'permanent-local t))

(defvar sluice--newest-failure nil
  "Id of the newest call from this Emacs that failed.")

(defun sluice-note-call (id buffer)
  "Remember that the call ID was made from BUFFER."
  (when (buffer-live-p buffer)
    (with-current-buffer buffer (setq sluice-call id))))

(defvar sluice-failure-functions '(sluice-notify-failure)
  "Functions called with id, buffer and words, or nil, when a call has failed.")

(defun sluice-note-failure (id buffer &optional words)
  "Remember that the call ID from BUFFER failed.  WORDS say why."
  (setq sluice--newest-failure id)
  (when (buffer-live-p buffer)
    (with-current-buffer buffer (setq sluice-failed-call id)))
  (run-hook-with-args 'sluice-failure-functions id buffer words))

;;;; Status

;;;###autoload
(defun sluice-status ()
  "Say whether the daemon is there, where, and what waits.  Do not start it."
  (interactive)
  (sluice-settings-check 'sluice-socket)
  (if (not (sluice-connection))
      (message "%s" (sluice-missing-text))
    (let* ((hello (sluice-rpc-hello sluice--connection))
           (status (sluice-ask "status"))
           (waiting (length (plist-get status :queue))))
      (message "%s%s"
               (sluice-gettext
                "Sluice %s runs (process %s, %s): %s"
                (plist-get hello :version) (plist-get hello :pid)
                (abbreviate-file-name (sluice-rpc-address sluice--connection))
                (pcase waiting
                  (0 (sluice-gettext "no call waits"))
                  (1 (sluice-gettext "1 call waits"))
                  (n (sluice-gettext "%d calls wait" n))))
               (if (sluice-sandbox-p status)
                   (concat ".  " (sluice-gettext "It is the sandbox: nothing goes to a provider"))
                 "")))))

(defun sluice-sandbox-connected-p ()
  "Return non-nil if the daemon of our connection is the sandbox."
  (and (sluice-rpc-live-p sluice--connection)
       (plist-get (sluice-rpc-hello sluice--connection) :sandbox)))

(defun sluice-sandbox-p (status)
  "Return non-nil if the daemon that has said STATUS is the sandbox."
  (plist-get (plist-get status :daemon) :sandbox))

;;;; Keys

(autoload 'sluice-menu "sluice-transient" "Say what would go where, and send." t)
(autoload 'sluice-send "sluice-send" "Send the region or paragraph to a model." t)
(autoload 'sluice-prompt "sluice-send" "Send what is read in the minibuffer." t)
(autoload 'sluice-chat "sluice-conversation" "Go to the buffer of a chat." t)
(autoload 'sluice-rewrite "sluice-rewrite" "Have the region rewritten." t)
(autoload 'sluice-abort "sluice-chat" "Stop an answer." t)
(autoload 'sluice-undo-answer "sluice-answer" "Remove an answer." t)
(autoload 'sluice-explain-last "sluice-explain" "Explain the last failure." t)
(autoload 'sluice-explain-region "sluice-explain" "Explain an error text." t)
(autoload 'sluice-copy-curl "sluice-explain" "Copy a call as a curl command." t)
(autoload 'sluice-queue "sluice-calls" "Show the calls that wait." t)
(autoload 'sluice-log "sluice-calls" "Show the newest calls." t)
(autoload 'sluice-usage "sluice-usage" "Show what was used, and your budgets." t)
(autoload 'sluice-limits "sluice-limits" "Show the limits and what is used of them." t)
(autoload 'sluice-gptel-explain-mode "sluice-gptel-explain" "Explain gptel's failures." t)
(autoload 'sluice-llm-mode "sluice-llm" "Send calls of the package llm through Sluice." t)
(autoload 'sluice-doctor "sluice-doctor" "Look what is wrong with this set-up." t)
(autoload 'sluice-help "sluice-help" "List the commands and their keys." t)
(autoload 'sluice-mode-line-mode "sluice-mode-line" "Show in the mode line what waits." t)
(autoload 'sluice-warnings-mode "sluice-warnings" "Tell what will soon be in your way." t)
(autoload 'sluice-notify-failure "sluice-notify" "Tell that a call has failed.")
(autoload 'sluice-gptel-mode "sluice-gptel" "Send gptel's calls through Sluice." t)

;;;###autoload
(defvar sluice-command-map
  (let ((map (make-sparse-keymap)))
    (define-key map "g" #'sluice-menu)
    (define-key map "s" #'sluice-send)
    (define-key map "p" #'sluice-prompt)
    (define-key map "c" #'sluice-chat)
    (define-key map "r" #'sluice-rewrite)
    (define-key map "k" #'sluice-abort)
    (define-key map "u" #'sluice-undo-answer)
    (define-key map "e" #'sluice-explain-last)
    (define-key map "E" #'sluice-explain-region)
    (define-key map "w" #'sluice-copy-curl)
    (define-key map "q" #'sluice-queue)
    (define-key map "l" #'sluice-limits)
    (define-key map "L" #'sluice-log)
    (define-key map "$" #'sluice-usage)
    (define-key map "m" #'sluice-mode-line-mode)
    (define-key map "D" #'sluice-doctor)
    (define-key map "S" #'sluice-status)
    (define-key map "+" #'sluice-start)
    (define-key map "-" #'sluice-disconnect)
    (define-key map "?" #'sluice-help)
    map)
  "Commands of Sluice, to be bound to a prefix key of your choice.")

(defun sluice-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice-disconnect)
  nil)

(provide 'sluice)
;;; sluice.el ends here
