;;; fake-gptel.el --- What the tests with gptel share -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; Real gptel, real curl, a provider that is the stand-in.  Without gptel, or before
;; Emacs 29 (where gptel's own parser of OpenAI's streams does not work), all is skipped.

;;; Code:

(require 'fake-daemon)
(require 'sluice-gptel)

(defvar gptel-backend)
(defvar gptel-model)
(defvar gptel-stream)
(defvar gptel-use-curl)
(defvar gptel-use-header-line)
(defvar gptel--request-alist)
(defvar gptel--known-backends)
(defvar gptel-curl-extra-args)
(defvar gptel-proxy)
(defvar gptel-tools)
(defvar gptel-use-tools)
(declare-function gptel-make-openai "ext:gptel-openai")
(declare-function gptel-make-anthropic "ext:gptel-anthropic")
(declare-function gptel-make-gemini "ext:gptel-gemini")
(declare-function gptel-make-tool "ext:gptel-request")
(declare-function gptel-request "ext:gptel-request")
(declare-function gptel-send "ext:gptel")
(declare-function gptel-abort "ext:gptel-request")
(declare-function gptel-backend-url "ext:gptel-request")

(defconst sluice-gptel-test-there
  (and (>= emacs-major-version 29)
       (require 'gptel nil t)
       (require 'gptel-openai nil t)
       (require 'gptel-anthropic nil t)
       (require 'gptel-gemini nil t))
  "Non-nil if gptel can be tested here.")

(when sluice-gptel-test-there
  (message "gptel from %s" (locate-library "gptel")))

(defconst sluice-gptel-test-hello "안녕하세요, friend 🙂" "What the stand-in answers.")

(defconst sluice-gptel-test-models '(ok queued busy no-credit cancelled unknown slow cut hidden die tool)
  "What the stand-in can do, by the name of the model.")

(defun sluice-gptel-test-backends ()
  "Return (NAME . BACKEND) of stock backends with keys."
  (let ((key "CANARY-key-0123456789"))
    (list (cons "openai" (gptel-make-openai "T-OpenAI" :key key :stream t
                                            :models sluice-gptel-test-models))
          (cons "anthropic" (gptel-make-anthropic "T-Claude" :key key :stream t
                                                  :models sluice-gptel-test-models))
          (cons "gemini" (gptel-make-gemini "T-Gemini" :key key :stream t
                                            :models sluice-gptel-test-models))
          (cons "groq" (gptel-make-openai "T-Groq" :host "api.groq.com" :key key :stream t
                                          :endpoint "/openai/v1/chat/completions"
                                          :models sluice-gptel-test-models)))))

(defmacro sluice-gptel-test-with (&rest body)
  "Run BODY with the mode on, the stand-in and a backend; skip without gptel."
  (declare (indent 0) (debug t))
  `(progn
     (skip-unless sluice-gptel-test-there)
     (fake-daemon-with (sluice-gptel-test-on (lambda () ,@body)))))

(defun sluice-gptel-test-on (body)
  "Run BODY with the mode on and a backend."
  (let* ((gptel--known-backends nil) (gptel-use-header-line nil) (inhibit-message t)
         (gptel-backend (cdr (assoc "groq" (sluice-gptel-test-backends))))
         (gptel-model 'ok) (gptel-stream t) (gptel-use-curl t))
    (unwind-protect
        (progn (sluice-gptel-mode 1)
               (funcall body))
      (sluice-gptel-mode -1)
      (dolist (entry gptel--request-alist)
        ;; gptel's own function for it: its sentinel must not find a request that is gone.
        (funcall (cddr entry)))
      (setq gptel--request-alist nil))))

(defun sluice-gptel-test-ask (&rest keys)
  "Ask by `gptel-request' with KEYS; return the outcome as (TEXT . INFO)."
  (let ((pieces nil) (info nil) (over nil))
    (apply #'gptel-request "Hello"
           :callback (lambda (response plist)
                       (setq info plist)
                       (cond ((stringp response) (push response pieces))
                             ((memq response '(t nil abort)) (setq over t))))
           keys)
    (fake-daemon-until (or over (and pieces (not (plist-get info :stream)))))
    (fake-daemon-until (null gptel--request-alist))
    (cons (string-join (nreverse pieces)) info)))

(defun sluice-gptel-test-told (regexp shown)
  "Return the message in SHOWN that matches REGEXP."
  (cl-find-if (lambda (text) (string-match-p regexp text)) shown))

(defun sluice-gptel-test-http ()
  "Return the HTTP requests that the stand-in got, oldest first."
  (plist-get (fake-daemon-seen) :http))

(defmacro sluice-gptel-test-proxy-environment (&rest body)
  "Run BODY with proxies in the environment that lead nowhere."
  `(let ((process-environment (append '("http_proxy=http://127.0.0.1:9"
                                        "ALL_PROXY=http://127.0.0.1:9")
                                      process-environment)))
     ,@body))

(provide 'fake-gptel)
;;; fake-gptel.el ends here
