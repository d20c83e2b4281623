;;; fake-llm.el --- A stand-in for llm's requests -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; llm itself is in no archive that the tests can reach.  This has the two functions
;; through which its requests go, with the same arguments, and does with the real plz what
;; they do by way of plz-media-type: `plz' with a list of arguments for curl of its own in
;; front, a process filter for streams, errors of plz turned into errors of llm.  Without
;; plz all is skipped.

;;; Code:

(require 'fake-daemon)

(defvar fake-llm-there (require 'plz nil t) "Non-nil if calls of llm can be tested here.")

(defvar plz-curl-default-args)
(declare-function plz "ext:plz")
(declare-function plz-response-status "ext:plz")
(declare-function plz-response-body "ext:plz")
(declare-function plz-error-response "ext:plz")
(declare-function plz-error-curl-error "ext:plz")

(defun fake-llm--body (data)
  "Return DATA as llm sends it."
  (encode-coding-string (json-encode data) 'utf-8))

(cl-defun llm-request-plz-sync-raw-output (url &key headers data timeout)
  "Post DATA with HEADERS to URL, wait at most TIMEOUT, and return the body."
  (condition-case err
      (let ((plz-curl-default-args (cons "--no-buffer" plz-curl-default-args)))
        (plz-response-body
         (plz 'post url :as 'response :body (fake-llm--body data) :connect-timeout 10
           :timeout timeout :headers (append headers '(("Content-Type" . "application/json"))))))
    (plz-error
     (let ((problem (nth 2 err)))
       (if (plz-error-response problem)
           (error "LLM request failed with code %d (additional information: %s)"
                  (plz-response-status (plz-error-response problem))
                  (plz-response-body (plz-error-response problem)))
         (signal (car err) (cdr err)))))))

(cl-defun llm-request-plz-async (url &key headers data on-success media-type on-error timeout)
  "Post DATA with HEADERS to URL and return the process.
MEDIA-TYPE is here a function for each piece of the body.  ON-SUCCESS is called with
the body, ON-ERROR with `error' and the body or what curl says; TIMEOUT is plz's."
  (let ((plz-curl-default-args (cons "--no-buffer" plz-curl-default-args)))
    (plz 'post url :as 'response :body (fake-llm--body data) :connect-timeout 10 :timeout timeout
      :headers (append headers '(("Content-Type" . "application/json")))
      :filter (lambda (process chunk)
                (when (buffer-live-p (process-buffer process))
                  (with-current-buffer (process-buffer process)
                    (goto-char (process-mark process))
                    (insert chunk)
                    (set-marker (process-mark process) (point))))
                (when media-type (funcall media-type chunk)))
      :then (lambda (response) (funcall on-success (plz-response-body response)))
      :else (lambda (problem)
              (if (plz-error-curl-error problem)
                  (funcall on-error 'error (format "curl error code %d: %s"
                                                   (car (plz-error-curl-error problem))
                                                   (cdr (plz-error-curl-error problem))))
                (funcall on-error 'error
                         (plz-response-body (plz-error-response problem))))))))

(provide 'llm-request-plz)
(provide 'fake-llm)
;;; fake-llm.el ends here
