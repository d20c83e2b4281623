;;; sluice-rpc.el --- JSON-RPC lines over a Unix socket -*- lexical-binding: t; -*-

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

;; JSON-RPC 2.0, one UTF-8 JSON object a line.  This file knows nothing of
;; what the daemon does.
;;
;;   (sluice-rpc-open PATH)                      a connection
;;   (sluice-rpc-request CONN METHOD PARAMS ...) asynchronous, returns the id
;;   (sluice-rpc-call CONN METHOD PARAMS)        waits for the result
;;   (sluice-rpc-cancel CONN ID)                 asks the daemon to give up
;;   (sluice-rpc-notify METHOD PARAMS)           a generic: what the daemon tells
;;
;; Order is the hard part.  The filter only puts whole messages in a queue; one
;; function takes them out, one at a time.  A handler that waits for an answer of
;; its own takes just that answer out of the queue, so no other handler starts
;; before it has ended: notifications are handled in the order in which they came.

;;; Code:

(require 'cl-lib)
(require 'cl-generic)
(require 'subr-x)
(require 'sluice-words)

(define-error 'sluice-rpc-error "Sluice")
(define-error 'sluice-rpc-died "Sluice" 'sluice-rpc-error)
(define-error 'sluice-rpc-timeout "Sluice" 'sluice-rpc-error)

(defconst sluice-rpc-died-code 'died
  "Code of the error that a pending request gets when the daemon goes away.
It is a symbol, so that no code of the daemon's can be the same.")

(defconst sluice-rpc-cancelled-code -32800
  "Code of the error that a cancelled request gets from the daemon.")

(cl-defstruct (sluice-rpc (:constructor sluice-rpc--make) (:copier nil))
  "A connection to the daemon."
  address process
  (pending (make-hash-table))           ; id -> (SUCCESS . ERROR)
  (partial nil)                         ; pieces of an unfinished line, newest first
  (ready nil)                           ; messages in order
  (incoming nil)                        ; younger messages, newest first
  (busy nil)                            ; non-nil while a handler runs
  (closing nil)                         ; non-nil when we closed it ourselves
  (lost nil)                            ; non-nil when the end has been queued
  on-death
  hello)                                ; for the owner: what the daemon said first

(defvar sluice-rpc--last-id 0
  "The newest request id.  Ids are unique in this Emacs, over all connections.")

(defun sluice-rpc-next-id ()
  "Return a fresh request id, for the ID argument of `sluice-rpc-request'."
  (cl-incf sluice-rpc--last-id))

;;;; Text

(defun sluice-rpc--clean (value)
  "Return VALUE with characters that JSON cannot carry replaced by U+FFFD.
Raw bytes and lone surrogates make `json-serialize' signal an error."
  (cond ((stringp value)
         (replace-regexp-in-string
          "[\ud800-\udfff\x3fff80-\x3fffff]" "\ufffd"
          (if (multibyte-string-p value) value (decode-coding-string value 'utf-8))
          t t))
        ((vectorp value) (vconcat (mapcar #'sluice-rpc--clean value)))
        ((consp value) (mapcar #'sluice-rpc--clean value))
        ;; As a person may write the name of a model or of a language.
        ((not (or (memq value '(nil t)) (keywordp value) (not (symbolp value))))
         (symbol-name value))
        (t value)))

(defun sluice-rpc--encode (message)
  "Return the plist MESSAGE as a line of bytes."
  ;; `json-serialize' returns characters in Emacs 28 and 29, bytes in 30;
  ;; encoding is right for both.
  (concat (encode-coding-string
           (json-serialize (sluice-rpc--clean message)
                           :null-object nil :false-object :json-false)
           'utf-8)
          "\n"))

(defun sluice-rpc--decode (line)
  "Return the message in LINE, a string of bytes, as a plist.
An answer that cannot be read becomes an error answer to the same request."
  (let ((text (decode-coding-string line 'utf-8)))
    (condition-case err
        (json-parse-string text :object-type 'plist :array-type 'list
                           :null-object nil :false-object nil)
      (error
       (message "%s" (sluice-gettext "Sluice: unreadable message from the daemon (%s)"
                                     (error-message-string err)))
       (when (string-match "\"id\": ?\\([0-9]+\\)" text)
         (list :id (string-to-number (match-string 1 text))
               :error (list :code -32700
                            :message (sluice-gettext "The daemon's answer could not be read."))))))))

;;;; Connection

(cl-defun sluice-rpc-open (address &key on-death)
  "Connect to the Unix socket ADDRESS and return the connection.
ON-DEATH is called with the connection when the daemon goes away, after all
pending requests have got their error.  Signal `file-error' when nobody listens."
  (let* ((conn (sluice-rpc--make :address address :on-death on-death))
         (process (make-network-process
                   :name "sluice" :family 'local
                   :service (expand-file-name address)
                   :coding 'binary :noquery t
                   :filter #'sluice-rpc--filter
                   :sentinel #'sluice-rpc--sentinel)))
    (process-put process 'sluice-rpc conn)
    (setf (sluice-rpc-process conn) process)
    conn))

(defun sluice-rpc-live-p (conn)
  "Return non-nil if CONN is a connection that can be used."
  (and (sluice-rpc-p conn)
       (process-live-p (sluice-rpc-process conn))
       (not (sluice-rpc-lost conn))))

(defun sluice-rpc-close (conn)
  "Close CONN.  Pending requests get their error."
  (setf (sluice-rpc-closing conn) t)
  (delete-process (sluice-rpc-process conn))
  (sluice-rpc--lose conn))

(defun sluice-rpc--filter (process chunk)
  "Queue the whole lines in CHUNK, which came from PROCESS, and handle them."
  (let ((conn (process-get process 'sluice-rpc)) (start 0) end)
    (while (setq end (string-search "\n" chunk start))
      (push (substring chunk start end) (sluice-rpc-partial conn))
      (let ((line (apply #'concat (nreverse (sluice-rpc-partial conn)))))
        (setf (sluice-rpc-partial conn) nil)
        (when-let* ((message (sluice-rpc--decode line)))
          (push message (sluice-rpc-incoming conn))))
      (setq start (1+ end)))
    (when (< start (length chunk))
      (push (substring chunk start) (sluice-rpc-partial conn)))
    (sluice-rpc--drain conn)))

(defun sluice-rpc--sentinel (process _event)
  "Note that the connection of PROCESS has ended."
  (unless (process-live-p process)
    (when-let* ((conn (process-get process 'sluice-rpc)))
      (sluice-rpc--lose conn))))

(defun sluice-rpc--lose (conn)
  "Queue the end of CONN behind what has come already.
Doing it again is harmless: a request on a lost connection needs its error too."
  (setf (sluice-rpc-lost conn) t)
  (push 'end (sluice-rpc-incoming conn))
  (sluice-rpc--drain conn))

;;;; The queue

(defun sluice-rpc--gather (conn)
  "Return all queued messages of CONN, oldest first."
  (setf (sluice-rpc-ready conn)
        (nconc (sluice-rpc-ready conn) (nreverse (sluice-rpc-incoming conn)))
        (sluice-rpc-incoming conn) nil)
  (sluice-rpc-ready conn))

(defun sluice-rpc--drain (conn)
  "Handle the queued messages of CONN in order, unless that is being done."
  (unless (sluice-rpc-busy conn)
    (setf (sluice-rpc-busy conn) t)
    (unwind-protect
        (while (sluice-rpc--gather conn)
          (let ((message (pop (sluice-rpc-ready conn))))
            ;; Not `with-demoted-errors': with `debug-on-error' that would let the
            ;; error out of the filter, and the messages behind it would be stuck.
            (condition-case err
                (sluice-rpc--handle conn message)
              (error (message "%s" (sluice-gettext "Sluice: error while handling a message: %s"
                                                   (error-message-string err)))))))
      (setf (sluice-rpc-busy conn) nil)
      ;; A handler left by `throw' or quit: the rest is handled as soon as possible.
      (when (sluice-rpc-ready conn)
        (run-at-time 0 nil #'sluice-rpc--drain conn)))))

(defun sluice-rpc--handle (conn message)
  "Do what MESSAGE, which came over CONN, asks for."
  (cond ((eq message 'end) (sluice-rpc--fail-all conn))
        ((and (plist-get message :method) (plist-get message :id))
         (sluice-rpc--serve conn message))
        ((plist-get message :method)
         (sluice-rpc-notify (intern (plist-get message :method))
                            (plist-get message :params)))
        (t (sluice-rpc--settle conn message))))

(defun sluice-rpc--settle (conn message)
  "Give the answer MESSAGE to the request of CONN that waits for it.
Nobody waits for an answer that comes after a timeout or quit: it is dropped."
  (let* ((id (plist-get message :id))
         (entry (gethash id (sluice-rpc-pending conn))))
    (remhash id (sluice-rpc-pending conn))
    (when entry
      (if (plist-get message :error)
          (funcall (cdr entry) (plist-get message :error))
        (funcall (car entry) (plist-get message :result))))))

(defun sluice-rpc--fail-all (conn)
  "Tell every pending request of CONN that the daemon has gone, then the owner."
  (let ((entries (hash-table-values (sluice-rpc-pending conn)))
        (err (list :code sluice-rpc-died-code
                   :message (sluice-gettext "The Sluice daemon has gone away."))))
    (clrhash (sluice-rpc-pending conn))
    (dolist (entry entries)
      (condition-case problem
          (funcall (cdr entry) err)
        (error (message "Sluice: %s" (error-message-string problem)))))
    (when-let* ((mourn (sluice-rpc-on-death conn)))
      (setf (sluice-rpc-on-death conn) nil)
      (unless (sluice-rpc-closing conn) (funcall mourn conn)))))

(defun sluice-rpc--steal (conn id)
  "Settle the answer to request ID of CONN before its turn, if it has come."
  (when-let* ((message (cl-find-if (lambda (message)
                                     (and (consp message)
                                          (not (plist-get message :method))
                                          (eql id (plist-get message :id))))
                                   (sluice-rpc--gather conn))))
    (setf (sluice-rpc-ready conn) (delq message (sluice-rpc-ready conn)))
    (sluice-rpc--settle conn message)))

;;;; Requests

(defun sluice-rpc--send (conn message)
  "Send the plist MESSAGE over CONN."
  (let ((line (sluice-rpc--encode (append '(:jsonrpc "2.0") message))))
    (condition-case nil
        (process-send-string (sluice-rpc-process conn) line)
      (error (sluice-rpc--lose conn)))))

(defun sluice-rpc-tell (conn method params)
  "Send the notification METHOD with PARAMS, a plist, over CONN."
  (sluice-rpc--send conn (list :method method
                               :params (or params (make-hash-table)))))

(cl-defun sluice-rpc-request (conn method params &key success error id)
  "Send the request METHOD with PARAMS, a plist, over CONN; return its id.
SUCCESS is called with the result, a plist; ERROR with a plist of :code,
:message and :data.  Exactly one of them is called, once.  There is no timeout
here: the daemon owns the deadline, and its death is an error.
ID is one from `sluice-rpc-next-id', for a caller that must know it beforehand."
  (let ((id (or id (sluice-rpc-next-id))))
    (puthash id (cons (or success #'ignore) (or error #'ignore))
             (sluice-rpc-pending conn))
    (condition-case problem
        (sluice-rpc--send conn (list :id id :method method
                                     :params (or params (make-hash-table))))
      (error (remhash id (sluice-rpc-pending conn))
             (signal (car problem) (cdr problem))))
    id))

(defun sluice-rpc-cancel (conn id)
  "Ask the daemon to give up request ID of CONN.
Its error function is then called with `sluice-rpc-cancelled-code'."
  (when (sluice-rpc-live-p conn)
    (sluice-rpc-tell conn "$/cancelRequest" (list :id id))))

(defun sluice-rpc-call (conn method &optional params timeout)
  "Send METHOD with PARAMS over CONN, wait, and return the result.
Signal `sluice-rpc-error' with (MESSAGE CODE DATA) when the daemon says no,
`sluice-rpc-died' when it goes away and `sluice-rpc-timeout' when there is no
answer in TIMEOUT seconds (default 10).  After a timeout or \\[keyboard-quit] the
daemon is told that nobody waits any more."
  (let* ((outcome nil)
         (limit (+ (float-time) (or timeout 10)))
         (id (sluice-rpc-request
              conn method params
              :success (lambda (result) (setq outcome (list t result)))
              :error (lambda (err) (setq outcome (list nil err))))))
    (unwind-protect
        (while (not outcome)
          (sluice-rpc--wait conn id method limit (lambda () outcome)))
      (unless outcome
        (remhash id (sluice-rpc-pending conn))
        (sluice-rpc-cancel conn id)))
    (if (car outcome)
        (cadr outcome)
      (sluice-rpc--signal (cadr outcome)))))

(defun sluice-rpc--signal (err)
  "Signal ERR, the error object of an answer."
  (let ((code (plist-get err :code)))
    (signal (if (eql code sluice-rpc-died-code) 'sluice-rpc-died 'sluice-rpc-error)
            (list (plist-get err :message) code (plist-get err :data)))))

(defun sluice-rpc--wait (conn id method limit done)
  "Wait a moment for the answer to request ID of CONN.
METHOD names it in messages, LIMIT is the time to give up, DONE says whether the
answer has come."
  (let ((process (sluice-rpc-process conn))
        (left (- limit (float-time))))
    (when (<= left 0)
      (signal 'sluice-rpc-timeout
              (list (sluice-gettext "The daemon has not answered `%s' in time." method))))
    ;; Short waits: a timer that wants to end the wait is seen soon.
    (if (process-live-p process)
        (accept-process-output process (min left 0.1))
      ;; Within a filter the sentinel may not run before we return.
      (unless (sluice-rpc-lost conn) (sluice-rpc--lose conn)))
    (if (sluice-rpc-busy conn)
        (sluice-rpc--steal conn id)
      (sluice-rpc--drain conn))
    (when (and (sluice-rpc-lost conn) (not (funcall done)))
      (sluice-rpc--signal (list :code sluice-rpc-died-code
                                :message (sluice-gettext "The Sluice daemon has gone away."))))))

;;;; What the daemon sends of itself

(cl-defgeneric sluice-rpc-notify (method params)
  "Handle the notification METHOD, a symbol, with the plist PARAMS.")

(cl-defmethod sluice-rpc-notify (_method _params)
  "Ignore what is not known: the daemon may be newer than this package."
  nil)

(cl-defgeneric sluice-rpc-answer (method params)
  "Return the answer to the daemon's request METHOD, a symbol, with PARAMS.")

(cl-defmethod sluice-rpc-answer (method _params)
  "Say that METHOD is not known here."
  (signal 'sluice-rpc-error (list (sluice-gettext "Emacs has no method `%s'." method) -32601)))

(defun sluice-rpc--serve (conn message)
  "Answer the daemon's request MESSAGE over CONN."
  (let ((id (plist-get message :id)))
    (condition-case err
        (sluice-rpc--send
         conn (list :id id
                    :result (sluice-rpc-answer (intern (plist-get message :method))
                                               (plist-get message :params))))
      (sluice-rpc-error
       (sluice-rpc--send conn (list :id id :error (list :code (nth 2 err)
                                                        :message (nth 1 err)))))
      (error
       (sluice-rpc--send conn (list :id id :error (list :code -32603
                                                        :message (error-message-string err))))))))

(provide 'sluice-rpc)
;;; sluice-rpc.el ends here
