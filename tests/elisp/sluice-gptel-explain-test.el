;;; sluice-gptel-explain-test.el --- Tests of sluice-gptel-explain.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-gptel)
(require 'sluice-gptel-explain)

(defun sluice-gptel-explain-test-shown ()
  "Return what is shown in this buffer beside its text."
  (cl-some (lambda (overlay) (overlay-get overlay 'after-string))
           (overlays-in (point-min) (1+ (point-max)))))

(defmacro sluice-gptel-explain-test-with (model stream &rest body)
  "Run BODY in a buffer in which gptel has asked MODEL itself, perhaps with STREAM."
  (declare (indent 2))
  `(sluice-gptel-test-with
     (sluice-gptel-mode -1)
     (let ((gptel-backend (gptel-make-openai "T-Direct" :protocol "http" :models sluice-gptel-test-models
                                             :stream t :host (concat "127.0.0.1:" fake-daemon-port)))
           (gptel-model ,model) (gptel-stream ,stream))
       (unwind-protect
           (with-temp-buffer
             (sluice-gptel-explain-mode 1)
             (buffer-enable-undo)
             (insert "Hello")
             (set-buffer-modified-p nil)
             (let ((shown (fake-daemon-messages
                            (gptel-send)
                            (fake-daemon-until (null gptel--request-alist)))))
               (ignore shown)
               ,@body))
         (sluice-gptel-explain-mode -1)))))

(ert-deftest sluice-gptel-explain-test-key ()
  "After a failure one key explains it, without a daemon; another takes the line away."
  (dolist (stream '(t nil))
    (sluice-gptel-explain-test-with 'no-credit stream
      (fake-daemon-until (sluice-gptel-explain-test-shown))
      (should (equal " \n[Failed.  C-c ? then e explain, d dismiss]"
                     (sluice-gptel-explain-test-shown)))
      (should (equal "Hello" (buffer-string)))
      (should-not (buffer-modified-p))
      (let* ((file (expand-file-name "program" fake-daemon-directory))
             (sluice-daemon-command (list file "serve")))
        (with-temp-file file
          (insert "#!/bin/sh\nprintf '{\"title\": \"T\", \"evidence\": \"%s\", \"original\": \"%s\"}' "
                  "\"$*\" \"$(base64 -w0)\"\n"))
        (set-file-modes file #o755)
        (fake-daemon-kill)
        (save-current-buffer
          (save-window-excursion
            (call-interactively (key-binding (kbd "C-c ? e")))
            (with-current-buffer "*Sluice explain*"
              (fake-daemon-until sluice-explain--answer)
              (let* ((it (plist-get sluice-explain--answer :explanation))
                     (text (decode-coding-string
                            (base64-decode-string (plist-get it :original)) 'utf-8)))
                (should (equal "explain --json --status 429 -" (plist-get it :evidence)))
                (should (string-match-p "\\`HTTP/1.1 429 Out of credit\n" text))
                (should (string-search "\"type\":\"insufficient_quota\"" text))
                (should (string-search "likely" (sluice-explain--header))))))))
      (should (fake-daemon-note-follows-p " there"))
      (call-interactively (key-binding (kbd "C-c ? d")))
      (should-not (sluice-gptel-explain-test-shown))
      (should-not sluice-gptel-explain-here-mode))))

(ert-deftest sluice-gptel-explain-test-another-major-mode ()
  "The line, its keys and what they explain outlive a change of the major mode."
  (sluice-gptel-explain-test-with 'no-credit t
    (fake-daemon-until (sluice-gptel-explain-test-shown))
    (let ((question (sluice-explain--last-question)))
      (text-mode)
      (should (plist-get question :text))
      (should (equal question (sluice-explain--last-question))))
    (call-interactively (key-binding (kbd "C-c ? d")))
    (should-not (sluice-gptel-explain-test-shown))
    (should-not sluice-gptel-explain-here-mode)))

(ert-deftest sluice-gptel-explain-test-success ()
  "After an answer there is nothing to explain, and an older failure is gone."
  (sluice-gptel-explain-test-with 'no-credit t
    (fake-daemon-until (sluice-gptel-explain-test-shown))
    (setq gptel-model 'ok)
    (fake-daemon-messages
      (gptel-send)
      (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
      (fake-daemon-until (not (sluice-gptel-explain-test-shown))))))

(ert-deftest sluice-gptel-explain-test-off-means-off ()
  "Turning the mode off takes hook and lines away."
  (sluice-gptel-explain-test-with 'no-credit t
    (fake-daemon-until (sluice-gptel-explain-test-shown))
    (sluice-gptel-explain-mode -1)
    (should-not (sluice-gptel-explain-test-shown))
    (should-not (memq #'sluice-gptel-explain--after (default-value 'gptel-post-response-functions)))))

(ert-deftest sluice-gptel-explain-test-routed ()
  "A call that went through the daemon keeps the keys of `sluice-gptel-mode'."
  (sluice-gptel-test-with
    (unwind-protect
        (let ((gptel-model 'no-credit))
          (with-temp-buffer
            (sluice-gptel-explain-mode 1)
            (insert "Hello")
            (fake-daemon-messages
              (gptel-send)
              (fake-daemon-until sluice-gptel-failure--here)
              (sluice-gptel-explain--look (current-buffer)))
            (should-not sluice-gptel-explain--overlay)
            (should-not sluice-explain--told)))
      (sluice-gptel-explain-mode -1))))

(ert-deftest sluice-gptel-explain-test-question ()
  "What gptel keeps of a failure, in all its shapes, becomes a question."
  (skip-unless sluice-gptel-test-there)
  (let ((gptel--known-backends nil))
    (pcase-dolist (`(,host . ,name)
                   '(("api.openai.com" . "openai") ("api.groq.com" . "groq") ("api.x.ai" . "xai")
                     ("generativelanguage.googleapis.com" . "gemini") ("openrouter.ai" . "openrouter")
                     ("mine.openai.azure.com" . "azure") ("llm.example.org" . nil)
                     ("localhost:11434" . nil) ("127.0.0.1:8080" . nil)))
      (should (equal name (sluice-gptel-explain--provider
                           (gptel-make-openai "T-Host" :host host :models '(ok)))))))
  (should-not (sluice-gptel-explain--provider nil))
  (pcase-dolist (`(,info ,text ,status)
                 '(((:error "Malformed JSON in response." :status "HTTP/1.1 429 X" :http-status "429")
                    "HTTP/1.1 429 X\nMalformed JSON in response." 429)
                   ((:error "Curl failed with exit code 7." :status "Curl failure")
                    "Curl failure\nCurl failed with exit code 7." nil)
                   ((:error (:message "m" :details [1 2]) :http-status "200")
                    "{\"error\":{\"message\":\"m\",\"details\":[1,2]}}" 200)
                   ((:error (:odd sym)) "(:odd sym)" nil)))
    (let ((question (sluice-gptel-explain--question info)))
      (should (equal text (plist-get question :text)))
      (should (equal status (plist-get question :status)))))
  (should-not (sluice-gptel-explain--question '(:status "HTTP/1.1 200 OK")))
  (should-not (sluice-gptel-explain--question '(:error "x" :sluice-id "gptel-1"))))

(provide 'sluice-gptel-explain-test)
;;; sluice-gptel-explain-test.el ends here
