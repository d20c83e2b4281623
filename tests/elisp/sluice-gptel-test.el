;;; sluice-gptel-test.el --- Tests of sluice-gptel.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-gptel)

(ert-deftest sluice-gptel-test-all-backends ()
  "Stock backends, streaming or not, reach the daemon with their own host, path and key."
  (sluice-gptel-test-with
    (pcase-dolist (`(,name . ,backend) (sluice-gptel-test-backends))
      (dolist (stream '(t nil))
        (let ((gptel-backend backend) (url (gptel-backend-url backend)))
          (should (equal sluice-gptel-test-hello (car (sluice-gptel-test-ask :stream stream))))
          (should (equal url (gptel-backend-url backend)))
          (let* ((record (car (last (sluice-gptel-test-http))))
                 (headers (plist-get record :headers)))
            (should (equal "socket" (plist-get record :where)))
            (should (equal (cdr (assoc name '(("openai" . "api.openai.com")
                                              ("anthropic" . "api.anthropic.com")
                                              ("gemini" . "generativelanguage.googleapis.com")
                                              ("groq" . "api.groq.com"))))
                           (plist-get headers :host)))
            (should (string-search "CANARY-key-0123456789"
                                   (format "%s%s" headers (plist-get record :path))))
            (should (equal "emacs-gptel" (plist-get headers :x-sluice-client)))
            (should (equal "interactive" (plist-get headers :x-sluice-priority)))
            (should (string-match-p "\\`gptel-[0-9a-f]\\{16\\}\\'"
                                    (plist-get headers :x-sluice-request)))
            (should-not (plist-get headers :expect))))))))

(declare-function gptel-make-openai-responses "ext:gptel-openai-responses")

(ert-deftest sluice-gptel-test-other-makers ()
  "Backends of all the other makers that need no login go through as well, each to its host.
So do one that is buffer-local and one that was made while the mode was on."
  (sluice-gptel-test-with
    (dolist (feature '(gptel-openai-extras gptel-openai-responses gptel-kagi gptel-bedrock))
      (require feature nil t))
    (pcase-dolist (`(,maker ,host . ,more)
                   '((gptel-make-deepseek "api.deepseek.com") (gptel-make-xai "api.x.ai")
                     (gptel-make-perplexity "api.perplexity.ai")
                     (gptel-make-azure "mine.openai.azure.com" :host "mine.openai.azure.com"
                                       :endpoint "/openai/deployments/D/chat/completions")
                     (gptel-make-openai-responses "api.openai.com")
                     (gptel-make-kagi "kagi.com")))
      (when (fboundp maker)
        (with-temp-buffer
          (setq-local gptel-backend (apply maker "T-Maker" :key "CANARY-key-0123456789"
                                           (append more (unless (eq maker 'gptel-make-kagi)
                                                          '(:models (ok)))))
                      gptel-stream nil)
          (setq-local gptel-model (if (eq maker 'gptel-make-kagi) 'fastgpt 'ok))
          (let ((before (length (sluice-gptel-test-http))))
            (with-demoted-errors "%S" (gptel-request "Hello" :callback #'ignore))
            (fake-daemon-until (< before (length (sluice-gptel-test-http))))
            (let ((record (car (last (sluice-gptel-test-http)))))
              (should (equal "socket" (plist-get record :where)))
              (should (equal host (plist-get (plist-get record :headers) :host)))
              (should (string-search "CANARY-key-0123456789"
                                     (format "%s" (plist-get record :headers))))))
          (fake-daemon-until (null gptel--request-alist)))))))

(ert-deftest sluice-gptel-test-big-body ()
  "A body of more than a megabyte goes without an Expect header."
  (sluice-gptel-test-with
    (with-temp-buffer
      (insert (make-string 1200000 ?x))
      (let ((over nil))
        (gptel-request nil :callback (lambda (&rest _) (setq over t)))
        (fake-daemon-until over)))
    (should-not (plist-get (plist-get (car (sluice-gptel-test-http)) :headers) :expect))))

(ert-deftest sluice-gptel-test-own-arguments-and-proxies ()
  "The user's own curl arguments stay, proxies are not used, and nothing is left behind."
  (sluice-gptel-test-with
    (let ((gptel-curl-extra-args '("-H" "X-Mine: yes"))
          (gptel-proxy "http://127.0.0.1:9"))
      (sluice-gptel-test-proxy-environment
       (should (equal sluice-gptel-test-hello (car (sluice-gptel-test-ask :stream t)))))
      (should (equal '("-H" "X-Mine: yes") gptel-curl-extra-args))
      (should (equal "http://127.0.0.1:9" gptel-proxy)))
    (should (equal "yes" (plist-get (plist-get (car (sluice-gptel-test-http)) :headers)
                                    :x-mine)))))

(ert-deftest sluice-gptel-test-without-curl-mode ()
  "A package that has switched curl off is routed all the same."
  (sluice-gptel-test-with
    (let ((gptel-use-curl nil))
      (should (equal sluice-gptel-test-hello (car (sluice-gptel-test-ask)))))
    (should (equal "socket" (plist-get (car (sluice-gptel-test-http)) :where)))))

(ert-deftest sluice-gptel-test-local-hosts ()
  "Servers on this machine are talked to directly, by curl and by url.el."
  (sluice-gptel-test-with
    (let ((gptel-backend (gptel-make-openai "T-Local" :protocol "http" :stream t :models '(ok)
                                            :host (concat "127.0.0.1:" fake-daemon-port)))
          (gptel-stream nil))
      (dolist (curl '(t nil))
        (let ((gptel-use-curl curl))
          (should (equal sluice-gptel-test-hello (car (sluice-gptel-test-ask)))))))
    (dolist (record (sluice-gptel-test-http))
      (should (equal "tcp" (plist-get record :where)))
      (should-not (plist-get (plist-get record :headers) :x-sluice-request)))
    (should (= 2 (length (sluice-gptel-test-http))))))

(ert-deftest sluice-gptel-test-which-hosts-are-local ()
  "Only this machine counts as local."
  (skip-unless sluice-gptel-test-there)
  (pcase-dolist (`(,host . ,local)
                 '(("localhost:11434" . t) ("localhost" . t) ("127.0.0.1:8080" . t)
                   ("[::1]:8080" . t) ("ollama.localhost" . t) ("0.0.0.0:1" . t)
                   ("api.openai.com" . nil) ("localhost.example.org" . nil)
                   ("192.168.1.5:8080" . nil) ("127.0.0.1.example.org" . nil)))
    (let ((gptel--known-backends nil))
      (should (eq local (and (sluice-gptel--direct-p
                              (gptel-make-openai "T-Host" :host host :models '(ok)))
                             t))))))

(ert-deftest sluice-gptel-test-off-means-off ()
  "Turning the mode off takes all of it away."
  (sluice-gptel-test-with
    (sluice-gptel-mode -1)
    (should-not (advice-member-p 'sluice-gptel--around-curl 'gptel-curl-get-response))
    (should-not (advice-member-p 'sluice-gptel--around-url 'gptel--url-get-response))
    (let ((gptel-backend (gptel-make-openai "T-Local" :protocol "http" :stream t :models '(ok)
                                            :host (concat "127.0.0.1:" fake-daemon-port))))
      (should (equal sluice-gptel-test-hello (car (sluice-gptel-test-ask :stream t)))))
    (should (equal '("tcp") (mapcar (lambda (r) (plist-get r :where)) (sluice-gptel-test-http))))))

(ert-deftest sluice-gptel-test-failure ()
  "A failure shows the daemon's line, unchanged, and is the one that is explained."
  (sluice-gptel-test-with
    (let ((gptel-model 'no-credit))
      (with-temp-buffer
        (insert "Hello")
        (let* ((buffer (current-buffer))
               (shown (fake-daemon-messages
                        (gptel-send)
                        (fake-daemon-until sluice-failed-call))))
          (should (equal (concat "T-Groq error: ((HTTP/1.1 429 Out of credit) insufficient_quota) "
                                 "OpenAI says this account has no credit left. Waiting will not help: "
                                 "add credit, then send again.")
                         (car (last shown))))
          (should (equal sluice-failed-call
                         (plist-get (plist-get (car (sluice-gptel-test-http)) :headers)
                                    :x-sluice-request)))
          (should (equal "Hello" (string-trim (buffer-string))))
          (with-current-buffer (sluice-explain--show
                                (list :call (with-current-buffer buffer
                                              (sluice-explain--last-call))))
            (should (string-search "No credit left" (buffer-string)))))))))

(ert-deftest sluice-gptel-test-failure-reaches-callbacks ()
  "Who uses `gptel-request' gets gptel's error, with the whole explanation in it."
  (sluice-gptel-test-with
    (let* ((gptel-model 'no-credit) (info (cdr (sluice-gptel-test-ask :stream t))))
      (should (equal "HTTP/1.1 429 Out of credit" (plist-get info :status)))
      (should (plist-get (plist-get (plist-get info :error) :sluice) :title))
      (should sluice--newest-failure))))

(ert-deftest sluice-gptel-test-hidden-failures ()
  "A cut stream and an error inside a 200, both of which gptel hides, are told."
  (dolist (case '((cut . "broke in the middle") (hidden . "error inside its answer")))
    (sluice-gptel-test-with
      (let ((gptel-model (car case)) (shown nil))
        (with-temp-buffer
          (insert "Hello")
          (fake-daemon-catching shown
            (gptel-send)
            (fake-daemon-until (sluice-gptel-test-told (cdr case) shown)))
          (should (string-search "sluice-explain-last" (car shown)))
          (should sluice-failed-call))))))

(ert-deftest sluice-gptel-test-good-calls-say-nothing ()
  "After a success nothing is added to what gptel shows, and no failure is noted."
  (sluice-gptel-test-with
    (with-temp-buffer
      (insert "Hello")
      (let* ((judged nil)
             (shown (cl-letf* ((judge (symbol-function 'sluice-gptel--judge))
                               ((symbol-function 'sluice-gptel--judge)
                                (lambda (&rest args) (apply judge args) (setq judged t))))
                      (fake-daemon-messages
                        (gptel-send)
                        (fake-daemon-until judged)))))
        (should-not (cl-some (lambda (text) (string-search "luice" text)) shown))
        (should-not sluice-failed-call)
        (should sluice-call)
        (should (string-search sluice-gptel-test-hello (buffer-string)))))))

(ert-deftest sluice-gptel-test-abort ()
  "Aborting closes the connection to the daemon, and is no failure."
  (sluice-gptel-test-with
    (let ((gptel-model 'slow))
      (with-temp-buffer
        (insert "Hello")
        (gptel-send)
        (fake-daemon-until (sluice-gptel-test-http))
        (gptel-abort (current-buffer))
        (fake-daemon-until (equal 1 (plist-get (fake-daemon-seen) :left)))
        (should-not sluice-failed-call)))))

(ert-deftest sluice-gptel-test-language ()
  "The daemon is asked to explain in the language of the person, if that was chosen."
  (sluice-gptel-test-with
    (sluice-gptel-test-ask)
    (let ((sluice-language "ko")) (sluice-gptel-test-ask))
    (should (equal '(nil "ko")
                   (mapcar (lambda (request)
                             (plist-get (plist-get request :headers) :x-sluice-language))
                           (sluice-gptel-test-http))))))

(ert-deftest sluice-gptel-test-no-daemon ()
  "Without a daemon nothing goes out, and it is said what to do, in all of gptel's ways."
  (skip-unless sluice-gptel-test-there)
  (fake-daemon-without
    (sluice-gptel-test-on
     (lambda ()
       (dolist (gptel-use-curl '(t nil))
         (with-temp-buffer
           (insert "Hello")
           (let ((shown nil))
             (fake-daemon-catching shown
               (gptel-send)
               (fake-daemon-until
                (sluice-gptel-test-told
                 "T-Groq error: (Sluice is not running) .*nothing was sent.*M-x sluice-start"
                 shown))))
           (should (equal "Hello" (string-trim (buffer-string))))
           (save-current-buffer (save-window-excursion (sluice-explain-last)))
           (with-current-buffer "*Sluice explain*"
             (should (string-match-p "\\`Sluice is not running\n\\(?:.\\|\n\\)*M-x sluice-start"
                                     (buffer-string)))))
         (let ((info (cdr (sluice-gptel-test-ask))))
           (should (equal "Sluice is not running" (plist-get info :status)))
           (should (string-match-p "sluice-start" (plist-get info :error)))))
       (should-not gptel--request-alist)))))

(ert-deftest sluice-gptel-test-daemon-killed-in-the-middle ()
  "If the daemon is killed in the middle of an answer, it is said."
  (sluice-gptel-test-with
    (let ((gptel-model 'die) (shown nil))
      (with-temp-buffer
        (insert "Hello")
        (fake-daemon-catching shown
          (gptel-send)
          (fake-daemon-until (sluice-gptel-test-told "stopped in the middle" shown)))
        (should sluice-failed-call)
        (save-current-buffer
          (save-window-excursion (call-interactively (key-binding (kbd "C-c ? e")))))
        (should (string-prefix-p "The Sluice daemon was stopped while this call ran"
                                 (with-current-buffer "*Sluice explain*" (buffer-string))))
        ;; There is nothing to copy, so that key is not named.
        (should (string-search "[Failed.  C-c ? then e explain, d dismiss]"
                               (overlay-get (fake-daemon-note) 'after-string)))
        (should-error (call-interactively (key-binding (kbd "C-c ? w"))) :type 'user-error)))))

(ert-deftest sluice-gptel-test-daemon-killed-and-back ()
  "If it runs again before anybody looks, it is said so, though it does not know the call."
  (sluice-gptel-test-with
    (let ((gptel-model 'die) (shown nil) (look (symbol-function 'sluice-gptel--tell-hidden)))
      (with-temp-buffer
        (insert "Hello")
        (fake-daemon-catching shown
          (cl-letf (((symbol-function 'sluice-gptel--tell-hidden)
                     (lambda (&rest args)
                       (fake-daemon-until (not (process-live-p fake-daemon-process)))
                       (fake-daemon-start)
                       (apply look args))))
            (gptel-send)
            (fake-daemon-until (sluice-gptel-test-told "stopped in the middle.*runs again" shown))))
        (should (sluice-explain-own sluice-failed-call))))))

(defun sluice-gptel-test-tool (function)
  "Return a tool of gptel that calls FUNCTION."
  (gptel-make-tool :name "look" :description "Look." :args nil
                   :function (lambda () (funcall function) "seen")))

(ert-deftest sluice-gptel-test-tools ()
  "Each round of a run with tools goes through the daemon."
  (sluice-gptel-test-with
    (let* ((gptel-model 'tool) (gptel-stream nil) (gptel-use-tools t)
           (gptel-tools (list (sluice-gptel-test-tool #'ignore))))
      (with-temp-buffer
        (insert "Hello")
        (fake-daemon-messages
          (gptel-send)
          (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string))))
        (should (equal '("socket" "socket")
                       (mapcar (lambda (r) (plist-get r :where)) (sluice-gptel-test-http))))
        (should-not sluice-failed-call)))))

(ert-deftest sluice-gptel-test-daemon-gone-between-rounds ()
  "When the daemon is gone at the next round of a run with tools, no question is asked.
It comes in a sentinel, in the middle of what you type.  gptel tells what to do, and
the round before, which went well, is not called a failure."
  (sluice-gptel-test-with
    (let* ((gptel-model 'tool) (gptel-stream nil) (gptel-use-tools t)
           (gptel-tools (list (sluice-gptel-test-tool
                               (lambda ()
                                 (fake-daemon-kill)
                                 ;; Else the next round may still be sent, and end in a failure of curl.
                                 (fake-daemon-until (not (sluice-rpc-live-p sluice--connection)))))))
           (sluice-start-daemon 'ask) (noninteractive nil) (asked nil) (shown nil))
      (cl-letf (((symbol-function 'y-or-n-p) (lambda (text) (push text asked) nil)))
        (with-temp-buffer
          (insert "Hello")
          (fake-daemon-catching shown
            (gptel-send)
            (fake-daemon-until (sluice-gptel-test-told
                                "T-Groq error: (Sluice is not running) .*sluice-start" shown)))
          (should-not asked)
          (should sluice-call)
          (should sluice-failed-call)
          (should-not (equal sluice-call sluice-failed-call))
          ;; The note is for the round that could not go.
          (should (equal sluice-failed-call
                         (sluice-gptel-failure-call (fake-daemon-until sluice-gptel-failure--here))))
          (should-not gptel--request-alist))))))

(ert-deftest sluice-gptel-test-quit-at-the-question ()
  "Who quits when asked whether to start the daemon has said no: gptel is not stuck."
  (skip-unless sluice-gptel-test-there)
  (fake-daemon-without
    (sluice-gptel-test-on
     (lambda ()
       (let ((sluice-start-daemon 'ask) (noninteractive nil) (shown nil))
         (with-temp-buffer
           (insert "Hello")
           (cl-letf (((symbol-function 'y-or-n-p) (lambda (_) (signal 'quit nil))))
             (fake-daemon-catching shown
               (gptel-send)
               (fake-daemon-until
                (sluice-gptel-test-told "T-Groq error: (Sluice is not running) Nothing was sent"
                                        shown))))))))))

(ert-deftest sluice-gptel-test-one-inside-another ()
  "A request that starts while another is being started does not inherit its arguments."
  (sluice-gptel-test-with
    (let* ((inner nil)
           (local (gptel-make-openai "T-Local" :protocol "http" :stream t :models '(ok)
                                     :host (concat "127.0.0.1:" fake-daemon-port)))
           (gptel-backend
            (gptel-make-openai "T-Outer" :host "api.groq.com" :stream t :models '(ok)
                               :key "CANARY-key-0123456789"
                               :header (lambda (&rest _)
                                         (unless inner
                                           (setq inner t)
                                           (let ((gptel-backend local))
                                             (gptel-request "Inner" :callback #'ignore)))
                                         nil))))
      (sluice-gptel-test-ask)
      (fake-daemon-until (= 2 (length (sluice-gptel-test-http))))
      (dolist (record (sluice-gptel-test-http))
        (should (eq (equal "socket" (plist-get record :where))
                    (and (plist-get (plist-get record :headers) :x-sluice-request) t)))))))

(ert-deftest sluice-gptel-test-gptel-missing ()
  "Without gptel the mode says how to get it, and stays off."
  (cl-letf (((symbol-function 'require) (lambda (&rest _) nil)))
    (should (string-match-p "package-install"
                            (cadr (should-error (sluice-gptel-mode 1) :type 'user-error)))))
  (should-not sluice-gptel-mode))

(ert-deftest sluice-gptel-test-a-daemon-that-hangs ()
  "A daemon that does not greet back is not called one that does not run."
  (sluice-gptel-test-with
    (fake-daemon-stop)
    (sluice-disconnect)                 ; it may have greeted back before it hung
    (let* ((sluice-timeout 0.05) (info nil)
           (shown (fake-daemon-messages
                    (setq info (cdr (sluice-gptel-test-ask))))))
      (ignore shown)
      (should (equal "Sluice does not answer" (plist-get info :status)))
      (should (string-match-p "does not answer.*M-x sluice-start" (plist-get info :error))))))

(ert-deftest sluice-gptel-test-wrong-setting ()
  "With hosts that are no regular expressions nothing is sent, and the setting is named."
  (sluice-gptel-test-with
    (let* ((sluice-gptel-direct-hosts '("*[lan")) (info (cdr (sluice-gptel-test-ask))))
      (should (equal "A setting of Sluice is wrong" (plist-get info :status)))
      (should (string-search "sluice-gptel-direct-hosts" (plist-get info :error)))
      (should-not (sluice-gptel-test-http)))))

(ert-deftest sluice-gptel-test-unload ()
  "`unload-feature' leaves no advice, hook or timer of ours behind, and gptel works."
  (skip-unless sluice-gptel-test-there)
  (with-temp-buffer
    (apply #'call-process (expand-file-name invocation-name invocation-directory) nil t nil "-Q" "--batch"
           (append (mapcan (lambda (directory) (list "-L" directory)) (copy-sequence load-path))
                   (list "--eval"
                         (prin1-to-string
                          '(progn
                             (require 'gptel)
                             (require 'sluice-gptel)
                             (require 'sluice-gptel-explain)
                             (sluice-gptel-mode 1)
                             (sluice-gptel-explain-mode 1)
                             (unload-feature 'sluice-gptel-explain)
                             (unload-feature 'sluice-gptel)
                             (message "left: %S"
                                      (append
                                       (mapcar (lambda (f) (advice--p (symbol-function f)))
                                               '(gptel-curl-get-response gptel--url-get-response
                                                 gptel--fsm-transition))
                                       (list (bound-and-true-p sluice-abort-functions)
                                             (and (memq 'sluice-gptel-explain--after
                                                        gptel-post-response-functions)
                                                  t)
                                             sluice-watch--watchers sluice--retry))))))))
    (should (string-search "left: (nil nil nil nil nil nil nil)" (buffer-string)))))

(provide 'sluice-gptel-test)
;;; sluice-gptel-test.el ends here
