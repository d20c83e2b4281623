;;; sluice-llm-test.el --- Tests of sluice-llm.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-llm)
(require 'sluice-llm)

(defconst sluice-llm-test-key "CANARY-key-of-llm-9c2e8b7a6053" "The key of these tests.")
(defconst sluice-llm-test-url "https://api.openai.com/v1/chat/completions" "llm's own URL.")

(defmacro sluice-llm-test-with (&rest body)
  "Run BODY with the mode on and the stand-in; skip without plz."
  (declare (indent 0))
  `(progn
     (skip-unless fake-llm-there)
     (fake-daemon-with
       (unwind-protect
           (progn (sluice-llm-mode 1) ,@body)
         (sluice-llm-mode -1)))))

(defun sluice-llm-test-arguments (model &optional stream)
  "Return the arguments of a request to MODEL, which may STREAM."
  (list :headers `(("Authorization" . ,(concat "Bearer " sluice-llm-test-key)))
        :data `((model . ,model) (stream . ,(or stream :json-false))
                (messages . [((role . "user") (content . "한국어 🙂"))]))))

(defun sluice-llm-test-sync (model &optional url)
  "Return the answer of MODEL at URL, which is waited for."
  (apply #'llm-request-plz-sync-raw-output (or url sluice-llm-test-url)
         (sluice-llm-test-arguments model)))

(defun sluice-llm-test-async (model &optional stream)
  "Return what came of a request to MODEL: (TEXT PIECES) or (error MESSAGE)."
  (let ((outcome nil) (pieces nil))
    (apply #'llm-request-plz-async sluice-llm-test-url
           :media-type (lambda (piece) (push piece pieces))
           :on-success (lambda (text) (setq outcome (list text pieces)))
           :on-error (lambda (kind text) (setq outcome (list kind text)))
           (sluice-llm-test-arguments model stream))
    (fake-daemon-until outcome)))

(defun sluice-llm-test-http ()
  "Return the HTTP requests that the stand-in got, oldest first."
  (plist-get (fake-daemon-seen) :http))

(ert-deftest sluice-llm-test-goes-through ()
  "Waited for, in the background and streamed: over the socket, for the same host, with the key."
  (sluice-llm-test-with
    (let ((process-environment (append '("http_proxy=http://127.0.0.1:9" "ALL_PROXY=http://127.0.0.1:9")
                                       process-environment)))
      (should (string-search "friend" (sluice-llm-test-sync "ok")))
      (should (string-search "friend" (car (sluice-llm-test-async "ok"))))
      (should (string-search "data: [DONE]" (car (sluice-llm-test-async "ok" t)))))
    (should (= 3 (length (sluice-llm-test-http))))
    (dolist (record (sluice-llm-test-http))
      (let ((headers (plist-get record :headers)))
        (should (equal "socket" (plist-get record :where)))
        (should (equal "api.openai.com" (plist-get headers :host)))
        (should (equal "/v1/chat/completions" (plist-get record :path)))
        (should (equal (concat "Bearer " sluice-llm-test-key) (plist-get headers :authorization)))
        (should (equal "emacs-llm" (plist-get headers :x-sluice-client)))
        (should (string-prefix-p "llm-" (plist-get headers :x-sluice-request)))
        (should-not (plist-get headers :expect))
        (should (equal "한국어 🙂" (plist-get (car (plist-get (plist-get record :body) :messages))
                                            :content)))))))

(ert-deftest sluice-llm-test-failures ()
  "The daemon's line reaches llm's own errors, and the call is the one that is explained."
  (sluice-llm-test-with
    (with-temp-buffer
      (should (string-search "no credit left"
                             (cadr (should-error (sluice-llm-test-sync "no-credit")))))
      (let ((first sluice-failed-call))
        (should (string-prefix-p "llm-" first))
        (let ((outcome (sluice-llm-test-async "no-credit")))
          (should (eq 'error (car outcome)))
          (should (string-search "no credit left" (cadr outcome))))
        (should (string-prefix-p "llm-" sluice-failed-call))
        (should-not (equal first sluice-failed-call)))
      (should (string-search "curl error code" (cadr (sluice-llm-test-async "cut" t)))))))

(ert-deftest sluice-llm-test-cancel ()
  "A request that is cancelled as llm does it leaves the daemon at once."
  (sluice-llm-test-with
    (let ((process (apply #'llm-request-plz-async sluice-llm-test-url
                          :on-success #'ignore :on-error #'ignore
                          (sluice-llm-test-arguments "slow"))))
      (fake-daemon-until (sluice-llm-test-http))
      (interrupt-process process)
      (fake-daemon-until (equal 1 (plist-get (fake-daemon-seen) :left))))))

(ert-deftest sluice-llm-test-local-hosts ()
  "Servers on this machine are talked to directly."
  (sluice-llm-test-with
    (should (string-search "friend" (sluice-llm-test-sync
                                     "ok" (format "http://127.0.0.1:%s/v1/chat/completions"
                                                  fake-daemon-port))))
    (should (equal "tcp" (plist-get (car (sluice-llm-test-http)) :where))))
  (pcase-dolist (`(,url . ,direct)
                 '(("http://localhost:11434/api/chat" . t) ("http://[::1]:8080/v1" . t)
                   ("https://127.0.0.1/v1" . t) ("https://user@localhost/v1" . t)
                   ("ftp://api.openai.com/" . t) ("https://api.openai.com/v1" . nil)
                   ("https://api.openai.com?x=localhost" . nil) ("https://localhost.example.org/" . nil)))
    (should (eq direct (and (sluice-llm--direct-p url) t)))))

(ert-deftest sluice-llm-test-other-users-of-plz ()
  "A request of another package, made while one of llm's is waited for, is left alone."
  (sluice-llm-test-with
    (let* ((args plz-curl-default-args) (said nil)
           (url (format "http://127.0.0.1:%s/v1/chat/completions" fake-daemon-port)))
      (run-at-time 0 nil (lambda ()
                           (plz 'post url :body "{}" :headers '(("Content-Type" . "application/json"))
                             :then (lambda (text) (setq said text)) :else #'ignore)))
      (sluice-llm-test-sync "ok")
      (fake-daemon-until said)
      (should (equal args plz-curl-default-args))
      (should (equal '("socket" "tcp")
                     (sort (mapcar (lambda (r) (plist-get r :where)) (sluice-llm-test-http))
                           #'string<)))
      (dolist (record (sluice-llm-test-http))
        (should (eq (equal "socket" (plist-get record :where))
                    (and (plist-get (plist-get record :headers) :x-sluice-request) t)))))))

(ert-deftest sluice-llm-test-no-daemon ()
  "Without a daemon nothing goes out, and it is said what to do."
  (skip-unless fake-llm-there)
  (fake-daemon-without
    (unwind-protect
        (progn
          (sluice-llm-mode 1)
          (dolist (ask (list #'sluice-llm-test-sync #'sluice-llm-test-async))
            (cl-letf (((symbol-function 'make-process)
                       (lambda (&rest _) (ert-fail "something was started"))))
              (should (string-match-p "nothing was sent.*M-x sluice-start"
                                      (cadr (should-error (funcall ask "ok") :type 'user-error)))))))
      (sluice-llm-mode -1))))

(ert-deftest sluice-llm-test-off-means-off ()
  "Turning the mode off takes all of it away."
  (sluice-llm-test-with
    (sluice-llm-mode -1)
    (pcase-dolist (`(,function . ,advice) sluice-llm--advice)
      (should-not (advice-member-p advice function)))
    (sluice-llm-test-sync "ok" (format "http://127.0.0.1:%s/v1/chat/completions" fake-daemon-port))
    (should (equal '("tcp") (mapcar (lambda (r) (plist-get r :where)) (sluice-llm-test-http))))))

(ert-deftest sluice-llm-test-llm-missing ()
  "Without llm the mode says how to get it, and stays off."
  (cl-letf (((symbol-function 'require) (lambda (&rest _) nil)))
    (should (string-match-p "package-install"
                            (cadr (should-error (sluice-llm-mode 1) :type 'user-error)))))
  (should-not sluice-llm-mode))

(ert-deftest sluice-llm-test-language ()
  "The daemon is asked for the language of the person, if that was chosen."
  (let ((sluice-language nil))
    (should-not (string-search "Language" (string-join (sluice-llm--curl-args "/s" "i")))))
  (let ((sluice-language "zh"))
    (should (member "X-Sluice-Language: zh" (sluice-llm--curl-args "/s" "i")))))

(provide 'sluice-llm-test)
;;; sluice-llm-test.el ends here
