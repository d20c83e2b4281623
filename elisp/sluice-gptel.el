;;; sluice-gptel.el --- Send gptel's calls through Sluice -*- lexical-binding: t; -*-

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

;; `sluice-gptel-mode' sends what gptel, and whatever is built on gptel, asks of a
;; model through the Sluice daemon.  Backends, models, presets and keys stay as they
;; are: while one request is being started, its URL is turned to plain http and curl
;; is told to use the daemon's socket; nothing of that outlives the moment.  The daemon
;; talks https to the provider.
;;
;; What gptel does, and why it is done so here, was read in gptel 0.9.8.5 to 0.9.9.6.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'sluice)
(require 'sluice-words)
(require 'sluice-warnings)
(require 'sluice-gptel-wait)
(require 'sluice-gptel-failure)

(defvar gptel-curl-extra-args)
(defvar gptel-proxy)
(defvar sluice-gptel-mode)
(declare-function gptel-fsm-info "ext:gptel-request")
(declare-function gptel-fsm-state "ext:gptel-request")
(declare-function gptel-curl-get-response "ext:gptel-request")
(declare-function gptel--fsm-transition "ext:gptel-request")

(defcustom sluice-gptel-direct-hosts
  '("\\`localhost\\'" "\\.localhost\\'" "\\`127\\.[0-9.]+\\'" "\\`\\[?::1\\]?\\'"
    "\\`0\\.0\\.0\\.0\\'")
  "Hosts to which gptel talks directly, as regular expressions without a port.
These are servers on this machine, which have no limits to keep.  Add those of
your own network here as well; Sluice knows only hosts of providers, and those
that its configuration names."
  :type '(repeat regexp)
  :group 'sluice
  :package-version '(sluice . "0.1.0"))

;;;; One request

(defvar sluice-gptel--user-args 'unset
  "The user's own `gptel-curl-extra-args' while a request is being started.
Another request may start inside; it must not inherit what we add.")

(defun sluice-gptel--slot (slot)
  "Return the index of SLOT in a gptel backend."
  ;; Asked at run time: the order of slots changed between versions of gptel, and
  ;; the inlined accessors would remember the one of the compilation.
  (cl-struct-slot-offset 'gptel-backend slot))

(defun sluice-gptel--backend-slot (backend slot)
  "Return the value of SLOT of BACKEND."
  (aref backend (sluice-gptel--slot slot)))

(defun sluice-gptel--host-alone (host)
  "Return HOST without a port."
  (replace-regexp-in-string ":[0-9]+\\'" "" host))

(defun sluice-gptel--direct-p (backend)
  "Return non-nil if BACKEND is a server that is left alone."
  (let ((host (sluice-gptel--host-alone (or (sluice-gptel--backend-slot backend 'host) ""))))
    (cl-some (lambda (regexp) (string-match-p regexp host))
             (sluice-settings-regexps 'sluice-gptel-direct-hosts))))

(defun sluice-gptel--way (backend)
  "Return which way BACKEND takes: `direct', `daemon', or a text: why it has none."
  (condition-case err
      (if (sluice-gptel--direct-p backend) 'direct 'daemon)
    (user-error (cadr err))))

(defun sluice-gptel--refuse-setting (fsm text)
  "End the request of FSM since a setting is wrong: TEXT is about that."
  (sluice-gptel--refuse fsm (sluice-gettext "A setting of Sluice is wrong") text))

(defun sluice-gptel--plain-url (url)
  "Return a function that gives what the url slot URL gives, with http for https.
On the socket there is no TLS: it begins behind the daemon."
  (lambda (&rest args)
    (replace-regexp-in-string
     "\\`https://" "http://"
     (if (functionp url)
         ;; gptel before 0.9.9.5 calls it without arguments.
         (apply url (if (equal (func-arity url) '(0 . 0)) nil args))
       url)
     t t)))

(defun sluice-gptel--new-id ()
  "Return a fresh name for a call, by which the daemon can be asked about it."
  (format "gptel-%08x%08x" (random #x100000000) (random #x100000000)))

(defun sluice-gptel--curl-args (socket id)
  "Return the arguments that make curl use SOCKET for the call ID."
  (append
   (list "--unix-socket" socket
         "--noproxy" "*"
         ;; Without it curl may be sent a `100 Continue', which gptel takes for success.
         "-H" "Expect:"
         "-H" "X-Sluice-Client: emacs-gptel"
         "-H" "X-Sluice-Priority: interactive"
         "-H" (concat "X-Sluice-Request: " id))
   (sluice-language-header)))

(defun sluice-gptel--around-curl (start fsm &rest args)
  "Call START, which has curl do the request of FSM, so that Sluice gets it.
ARGS are passed on."
  (let* ((backend (plist-get (gptel-fsm-info fsm) :backend))
         (sluice-gptel--user-args (if (eq sluice-gptel--user-args 'unset)
                                      gptel-curl-extra-args
                                    sluice-gptel--user-args))
         (gptel-curl-extra-args sluice-gptel--user-args))
    (pcase (sluice-gptel--way backend)
      ('direct (apply start fsm args))
      ((and (pred stringp) text) (sluice-gptel--refuse-setting fsm text))
      (_ (let ((conn (sluice-gptel--daemon)))
           (if (stringp conn)
               (sluice-gptel--refuse fsm (sluice-missing-title) conn)
             (sluice-gptel--start start fsm args backend conn)))))))

(defun sluice-gptel--start (start fsm args backend conn)
  "Call START with FSM and ARGS while BACKEND points to the daemon of CONN."
  (let* ((id (sluice-gptel--mark fsm conn))
         (socket (sluice-rpc-address conn))
         (gptel-proxy "")
         (gptel-curl-extra-args
          (append gptel-curl-extra-args
                  (sluice-gptel--curl-args (expand-file-name socket) id)))
         (slot (sluice-gptel--slot 'url)))
    (sluice-gptel-failure-clear-in (plist-get (gptel-fsm-info fsm) :buffer) fsm)
    (cl-letf (((aref backend slot) (sluice-gptel--plain-url (aref backend slot))))
      (prog1 (apply start fsm args)
        (sluice-gptel-wait-begin fsm id)))))

(defun sluice-gptel--mark (fsm conn)
  "Give the request of FSM an id, have its end told to us, and return the id.
CONN shows later whether the daemon has lived as long as it.
A run with tools starts several requests with one FSM: the newest id counts."
  (let* ((info (gptel-fsm-info fsm))
         (id (sluice-gptel--new-id)))
    (unless (plist-get info :sluice-id)
      (plist-put info :post (cons (lambda (&rest _) (sluice-gptel--ended fsm))
                                  (plist-get info :post))))
    (plist-put info :sluice-id id)
    (plist-put info :sluice-conn conn)
    (sluice-note-call id (plist-get info :buffer))
    id))

(defun sluice-gptel--around-url (start fsm &rest args)
  "Use curl for FSM instead of START, gptel's function for url.el.
That library cannot talk to a Unix socket.  ARGS are passed on."
  (pcase (sluice-gptel--way (plist-get (gptel-fsm-info fsm) :backend))
    ('direct (apply start fsm args))
    ((and (pred stringp) text) (sluice-gptel--refuse-setting fsm text))
    ((guard (executable-find "curl")) (gptel-curl-get-response fsm))
    (_ (sluice-gptel--refuse
        fsm (sluice-gettext "curl is missing")
        (sluice-gettext "Sluice carries gptel's calls with the program curl.  \
Install it and send again")))))

;;;; Without a daemon

(defun sluice-gptel--daemon ()
  "Return the connection to the daemon, or a text: why there is none."
  (condition-case err
      ;; Who quits at the question has said no; gptel, half-way, would not go on by itself.
      (or (condition-case nil (sluice-ensure) (quit nil))
          ;; gptel shows the status before it, which says that Sluice is not running.
          (concat (sluice-gettext "Nothing was sent.") "  " (sluice-start-hint)))
    (user-error (cadr err))))

(defun sluice-gptel--refuse (fsm status text)
  "End the request of FSM with the error TEXT; nothing is sent past the daemon.
STATUS is shorter, for callers of gptel that show nothing else."
  (let ((info (gptel-fsm-info fsm)))
    (plist-put info :error text)
    (plist-put info :status status)
    ;; The round before, of a run with tools, has ended well.
    (plist-put info :sluice-ended (plist-get info :sluice-id))
    ;; Later, as a failure of curl would come: gptel still sets the state of waiting.
    (run-at-time 0 nil #'sluice-gptel--fail fsm
                 (sluice-explain-note-refusal (plist-get info :buffer) status text))))

(defun sluice-gptel--fail (fsm call)
  "Take FSM, whose error is set, through the states of a failed request.
CALL is the id by which it can be explained; an older failure is shown no more."
  (let* ((info (gptel-fsm-info fsm))
         (data (copy-sequence (plist-get info :data))))
    (gptel--fsm-transition fsm)         ; WAIT -> TYPE
    (when (functionp (plist-get info :callback))
      (condition-case-unless-debug err
          (funcall (plist-get info :callback) nil info)
        (error (message "%s" (sluice-gettext "Sluice: gptel's callback failed: %s"
                                             (error-message-string err))))))
    (gptel--fsm-transition fsm)         ; TYPE -> ERRS
    (when sluice-gptel-mode
      (sluice-gptel-failure-show fsm call data))))

;;;; After a request

(defun sluice-gptel--moved (fsm &rest _)
  "Note that FSM has changed its state; look after a request that has ended.
That is for ends which do not call what is in :post, such as those of
`gptel-rewrite'.  The others have told us before gptel drops its messages."
  (sluice-gptel-wait-moved fsm)
  (when (memq (gptel-fsm-state fsm) '(DONE ERRS ABRT))
    ;; Filters of gptel go on with the match data that they had before.
    (save-match-data (sluice-gptel--ended fsm))))

(defun sluice-gptel--ended (fsm)
  "Look after the request of FSM, which has just ended; do so once."
  (let* ((info (gptel-fsm-info fsm))
         (id (plist-get info :sluice-id)))
    (unless (equal id (plist-get info :sluice-ended))
      (plist-put info :sluice-ended id)
      (sluice-gptel--look-after fsm info id))))

(defun sluice-gptel--look-after (fsm info id)
  "Tell what the request ID of FSM with INFO has come to, if gptel does not."
  (pcase (gptel-fsm-state fsm)
    ('ABRT nil)
    ('ERRS
     (sluice-gptel--failed fsm id)
     ;; What the daemon said is in the echo area already; what curl says is no help.
     (when (equal (plist-get info :status) "Curl failure")
       (run-at-time 0 nil #'sluice-gptel--tell-hidden fsm id)))
    ;; gptel takes a cut stream and an error inside a 200 for success, and notes
    ;; curl's failure only after this.
    (_ (run-at-time 0.05 nil #'sluice-gptel--tell-hidden fsm id))))

(defun sluice-gptel--failed (fsm id)
  "Remember and show, once, that the call ID of FSM has failed.
Once the mode is off, nothing is shown."
  (let ((info (gptel-fsm-info fsm)))
    ;; Who comes here a second time has more to say; by then gptel may have dropped
    ;; the messages that the note has kept for sending them again.
    (unless (equal id (plist-get info :sluice-failed))
      (plist-put info :sluice-failed id)
      (sluice-gptel--note-refused info id)
      ;; Who cancels a call knows it, and there is nothing to explain.
      (unless (sluice-gptel-failure-cancelled-p info)
        (sluice-note-failure id (plist-get info :buffer)))
      (when (and sluice-gptel-mode (equal id (plist-get info :sluice-id)))
        (sluice-gptel-failure-show fsm id)))))

(defun sluice-gptel--note-refused (info id)
  "Remember why the daemon has not even begun the call ID of INFO, if that is so.
It has written nothing down, so all that is known is its answer."
  (when-let* ((problem (sluice-gptel-failure-refused info)))
    (let ((host (plist-get (plist-get problem :sluice) :host))
          (what (format "%s" (or (plist-get problem :message) (plist-get info :status)))))
      (if (not (and (equal "sluice_unknown_host" (plist-get problem :type)) (stringp host)))
          (sluice-explain-note-own id :title (sluice-gettext "Sluice has not taken this call")
                                   :what what)
        (sluice-gptel--note-unknown-host info id host)
        ;; Later than gptel, which shows only what the daemon says.
        (run-at-time 0 nil #'sluice-gptel--say-unknown-host host)))))

(defun sluice-gptel--note-unknown-host (info id host)
  "Remember for the call ID of INFO that the daemon does not know HOST."
  (sluice-explain-note-own
   id
   :title (sluice-gettext "Sluice does not know the host %s" host)
   :what (sluice-gettext "Sluice sends only to hosts that it knows or that you have allowed, \
so nothing was sent.")
   :actions
   (list (list :text (sluice-gettext "If it is a server of your own, which has no limits to keep: \
add %S to `sluice-gptel-direct-hosts', and gptel talks to it directly."
                                     (concat "\\`" (regexp-quote (sluice-gptel--host-alone host))
                                             "\\'")))
         (list :text (sluice-gettext "Else allow it in config.yaml: %s"
                                     (sluice-gptel--upstream
                                      host (sluice-gptel--backend-slot (plist-get info :backend)
                                                                       'protocol))))
         (list :text (sluice-gettext "Then send the same again.")))))

(defun sluice-gptel--upstream (host protocol)
  "Return the entry of the daemon's configuration for HOST, reached by PROTOCOL."
  (if (equal protocol "http")
      (format "upstreams: [{host: '%s', url: 'http://%s', insecure: true, \
provider: openai-compatible}]" host host)
    (format "upstreams: [{host: '%s', provider: openai-compatible}]" host)))

(defun sluice-gptel--say-unknown-host (host)
  "Say what can be done about HOST, which the daemon does not know."
  (message "%s" (sluice-gettext "Sluice does not know the host %s, so nothing was sent.  \
A server of your own belongs into `sluice-gptel-direct-hosts'; C-c ? e says more" host)))

(defun sluice-gptel--cut-p (fsm)
  "Return non-nil if curl could not finish the request of FSM."
  (equal (plist-get (gptel-fsm-info fsm) :status) "Curl failure"))

(defun sluice-gptel--tell-hidden (fsm id &optional delay)
  "Ask the daemon how the call ID of FSM went, and tell what gptel has hidden.
DELAY is how many seconds were waited last, as the call was not yet settled."
  (let ((conn (sluice-connection)))
    (cond (conn
           (sluice-rpc-request
            conn "show" (list :call id)
            :success (lambda (row) (sluice-gptel--judge fsm id row (or delay 0.05)))
            :error (lambda (_) (sluice-gptel--judge fsm id nil 1))))
          ((sluice-gptel--cut-p fsm) (sluice-gptel--stopped fsm id)))))

(defun sluice-gptel--stopped-p (fsm)
  "Return non-nil if the daemon went away while it worked on the request of FSM."
  (let ((conn (plist-get (gptel-fsm-info fsm) :sluice-conn)))
    (not (or (sluice-rpc-live-p conn) (sluice-rpc-closing conn)))))

(defun sluice-gptel--stopped (fsm id)
  "Tell that the daemon was stopped in the middle of the call ID of FSM."
  (sluice-explain-note-stopped id)
  (sluice-gptel--failed fsm id)
  ;; The note was perhaps there before that was known.
  (sluice-gptel-failure-renew (plist-get (gptel-fsm-info fsm) :buffer))
  (sluice-tell-gone
   (if (sluice-rpc-live-p sluice--connection)
       (sluice-gettext "The Sluice daemon was stopped in the middle of this call, and \
runs again.  Send again")
     (sluice-gettext "The Sluice daemon stopped in the middle of this call.  \
Start it with M-x sluice-start, then send again"))))

(defun sluice-gptel--judge (fsm id row delay)
  "Tell what ROW, the daemon's record of call ID of FSM, has beyond gptel.
If the call is not settled yet, ask again; DELAY seconds were waited last."
  (let ((line (plist-get row :line)))
    (cond ((and row (not (plist-get row :ended_at)) (< delay 1))
           (run-at-time (* 2 delay) nil #'sluice-gptel--tell-hidden fsm id (* 2 delay)))
          ((and line (equal (plist-get row :state) "failed"))
           (sluice-gptel--failed fsm id)
           (message "%s  (M-x sluice-explain-last)" line))
          ((and (null row) (sluice-gptel--cut-p fsm) (sluice-gptel--stopped-p fsm))
           (sluice-gptel--stopped fsm id))
          ((sluice-gptel--cut-p fsm)
           (sluice-gptel--failed fsm id)
           (message "%s" (sluice-gettext "The answer was cut off before its end, \
so it is not complete.  Send again"))))))

;;;; The mode

(defconst sluice-gptel--advice
  '((gptel-curl-get-response :around sluice-gptel--around-curl)
    (gptel--url-get-response :around sluice-gptel--around-url)
    (gptel--fsm-transition :after sluice-gptel--moved))
  "What is advised while the mode is on: (FUNCTION HOW ADVICE).")

(defun sluice-gptel--load ()
  "Load gptel as far as it is needed, or say what is missing."
  (unless (or (require 'gptel-request nil t) (require 'gptel nil t))
    (user-error "%s" (sluice-gettext "The package gptel is not installed: \
M-x package-install RET gptel")))
  (unless (boundp 'gptel-curl-extra-args)
    (user-error "%s" (sluice-gettext "This gptel is too old for Sluice, which needs \
0.9.9.4 or newer: M-x package-upgrade RET gptel"))))

(defvar sluice-gptel--warns nil
  "Non-nil if this mode has turned on `sluice-warnings-mode'.")

;;;###autoload
(define-minor-mode sluice-gptel-mode
  "Send gptel's calls through the Sluice daemon.
They are paced to the provider's limits, sent again when that is worth it, and
explained when they fail: see `sluice-explain-last'.  Nothing of gptel's
configuration changes; turning the mode off leaves nothing behind.  Servers on
this machine are left alone, see `sluice-gptel-direct-hosts'."
  :global t
  :group 'sluice
  (if (not sluice-gptel-mode)
      (progn
        (pcase-dolist (`(,function ,_ ,advice) sluice-gptel--advice)
          (advice-remove function advice))
        (remove-hook 'sluice-abort-functions #'sluice-gptel-wait-abort)
        (sluice-gptel-wait-end-all)
        (sluice-gptel-failure-clear-all)
        (when sluice-gptel--warns (sluice-warnings-mode -1))
        (setq sluice-gptel--warns nil))
    (condition-case err
        (sluice-gptel--load)
      (error (setq sluice-gptel-mode nil)
             (signal (car err) (cdr err))))
    (pcase-dolist (`(,function ,how ,advice) sluice-gptel--advice)
      (advice-add function how advice))
    (add-hook 'sluice-abort-functions #'sluice-gptel-wait-abort)
    (unless sluice-warnings-mode
      (sluice-warnings-mode 1)
      (setq sluice-gptel--warns t))))

(defun sluice-gptel-unload-function ()
  "Have `unload-feature' leave nothing behind."
  (sluice-gptel-mode -1)
  nil)

(provide 'sluice-gptel)
;;; sluice-gptel.el ends here
