;;; sluice-settings-test.el --- Tests of sluice-settings.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-settings)
(require 'sluice-program)

(defmacro sluice-settings-test-with (state &rest body)
  "Run BODY with an empty state directory STATE, and nothing told by the environment."
  (declare (indent 1) (debug t))
  `(fake-daemon-without
     (let* ((home (expand-file-name "state" fake-daemon-directory))
            (,state (expand-file-name "sluice" home))
            (sluice-socket nil)
            (process-environment (append (list "SLUICE_STATE_DIR" "SLUICE_SOCKET"
                                               (concat "XDG_STATE_HOME=" home))
                                         process-environment)))
       (make-directory ,state t)
       ,@body)))

(defun sluice-settings-test-endpoint (directory socket)
  "Write into DIRECTORY that a daemon listens at SOCKET."
  (make-directory directory t)
  (with-temp-file (expand-file-name "endpoint.json" directory)
    (insert (json-serialize (list :socket socket :pid 1)))))

(ert-deftest sluice-settings-test-state-dir ()
  "A daemon with a state directory of its own is found there, and no other one."
  (sluice-settings-test-with state
    (sluice-settings-test-endpoint state "/usual")
    (let ((own (expand-file-name "own" fake-daemon-directory)))
      (dolist (options (list (list "--state-dir" own) (list (concat "--state-dir=" own))))
        (let ((sluice-daemon-command (append '("sluice" "serve") options)))
          (should-not (sluice-address))))
      (sluice-settings-test-endpoint own "/own")
      (let ((sluice-daemon-command (list "sluice" "--state-dir" own "serve")))
        (should (equal "/own" (sluice-address)))))))

(ert-deftest sluice-settings-test-sandbox ()
  "The sandbox is found in the directory of its own; without the option, where no other daemon is."
  (sluice-settings-test-with state
    (let ((sandbox (expand-file-name "sandbox" state)))
      (sluice-settings-test-endpoint sandbox "/sandbox")
      (should (equal "/sandbox" (sluice-address)))
      (sluice-settings-test-endpoint state "/usual")
      (should (equal "/usual" (sluice-address)))
      (let ((sluice-daemon-command '("sluice" "serve" "--sandbox")))
        (should (equal "/sandbox" (sluice-address)))))))

(ert-deftest sluice-settings-test-left-behind ()
  "An address whose socket is gone does not hide one that is there."
  (sluice-settings-test-with state
    (let ((there (expand-file-name "there" fake-daemon-directory)))
      (write-region "" nil there nil 'silent)
      (sluice-settings-test-endpoint state "/gone")
      (sluice-settings-test-endpoint (expand-file-name "sandbox" state) there)
      (should (equal there (sluice-address))))))

(ert-deftest sluice-settings-test-socket ()
  "The socket in the daemon's command goes before that of the environment; ours goes before it."
  (sluice-settings-test-with _state
    (let ((sluice-daemon-command '("sluice" "serve" "--socket" "/told"))
          (process-environment (cons "SLUICE_SOCKET=/environment" process-environment)))
      (should (equal "/told" (sluice-address)))
      (let ((sluice-socket "/ours"))
        (should (equal "/ours" (sluice-address)))))))

(ert-deftest sluice-settings-test-start ()
  "`sluice-start' finds the daemon that it has started with a state directory of its own."
  (sluice-settings-test-with _state
    (let* ((own (expand-file-name "own" fake-daemon-directory))
           (program (expand-file-name "sluice-for-test" fake-daemon-directory))
           (sluice-daemon-command (list program "serve" "--state-dir" own))
           (pid nil))
      (make-directory own)
      (with-temp-file program
        ;; What the daemon does with its option.
        (insert "#!/bin/sh\nexport SLUICE_STATE_DIR=\"$3\"\n"
                (format "exec %s %s serve --socket %s/s\n" (shell-quote-argument fake-daemon-python)
                        (shell-quote-argument fake-daemon-program) own)))
      (set-file-modes program #o755)
      (unwind-protect
          (progn (fake-daemon-messages (sluice-start))
                 (setq pid (plist-get (sluice-rpc-hello sluice--connection) :pid))
                 (should (equal (expand-file-name "s" own)
                                (sluice-rpc-address sluice--connection))))
        (when pid (signal-process pid 'SIGKILL))))))

(ert-deftest sluice-settings-test-other-commands ()
  "Other sub-commands get what tells which daemon is meant, and nothing that is for `serve' alone."
  (sluice-settings-test-with state
    (let ((sandbox (expand-file-name "sandbox" state)))
      (make-directory sandbox)
      (pcase-dolist
          (`(,command ,wish)
           `((("sluice" "serve") ("sluice"))
             (("python" "-m" "daemon" "serve" "--log-level" "debug") ("python" "-m" "daemon"))
             (("sluice" "serve" "--state-dir" "/d" "--replace" "--socket=/s" "--config" "/c")
              ("sluice" "--state-dir" "/d" "--socket" "/s" "--config" "/c"))
             (("sluice" "--socket" "/s" "serve" "--log-level=info") ("sluice" "--socket" "/s"))
             (("sluice" "serve" "--sandbox") ("sluice" "--state-dir" ,sandbox))
             (("sluice" "serve" "--sandbox" "--state-dir" "/d") ("sluice" "--state-dir" "/d"))
             ("sluice serve --language ko" ("sluice" "--language" "ko"))
             ("\"/a b/sluice\"" ("/a b/sluice"))
             ("~/bin/sluice serve" (,(expand-file-name "~/bin/sluice")))))
        (let ((sluice-daemon-command command))
          (should (equal wish (sluice-settings-program))))))))

;;;; Other settings

(ert-deftest sluice-settings-test-what-is-clearly-meant ()
  "Symbols for names and an address for a host are taken, and go to the daemon as texts."
  (pcase-dolist (`(,value . ,host) '(("api.openai.com" . "api.openai.com")
                                     ("https://api.openai.com/v1" . "api.openai.com")
                                     ("http://user@box.lan:8080/" . "box.lan:8080")
                                     (api.groq.com . "api.groq.com")
                                     ("localhost:11434" . "localhost:11434")))
    (should (equal host (sluice-settings-host value))))
  (fake-daemon-with
    (with-temp-buffer
      (insert "Hello")
      (let ((sluice-model 'whole) (sluice-host "https://api.example.org/v1") (sluice-language 'ko))
        (fake-daemon-messages
          (sluice-send)
          (fake-daemon-until (zerop (hash-table-count sluice-chat--live))))
        (should (equal '("-H" "X-Sluice-Language: ko") (sluice-language-header)))
        (should (equal "ko" (sluice-words-language))))
      (let ((chat (car (plist-get (fake-daemon-seen) :chats))))
        (should (equal '("whole" "api.example.org" "ko")
                       (mapcar (lambda (name) (plist-get chat name)) '(:model :host :language))))))))

(ert-deftest sluice-settings-test-wrong ()
  "A setting without a meaning is named, with what it must be and where to change it."
  (pcase-dolist (`(,option ,value ,text)
                 `((sluice-model nil "the name of a model")
                   (sluice-model "  " "the name of a model")
                   (sluice-host 7 "the name of a host")
                   (sluice-host "https://" "the name of a host")
                   (sluice-language 7 "a language")
                   (sluice-socket ,(concat "/" (make-string 200 ?x)) "at most 10[37] bytes")
                   (sluice-socket 7 "at most 10[37] bytes")
                   (sluice-daemon-command nil "a list of texts")
                   (sluice-daemon-command (sluice serve) "a list of texts")
                   (sluice-daemon-command "\"sluice serve" "a list of texts")
                   (sluice-gptel-direct-hosts 7 "a list of regular expressions")
                   (sluice-gptel-direct-hosts ("*[lan") "\"\\*\\[lan\" is none (")))
    (cl-progv (list option) (list value)
      (should (string-match-p (format "\\`The setting .%s. must be .*%s.*M-x customize-option RET %s\\'"
                                      option text option)
                              (cadr (should-error (sluice-settings-check option)
                                                  :type 'user-error)))))))

(ert-deftest sluice-settings-test-wrong-in-a-command ()
  "Who sends or starts with a wrong setting is told of it, and not that Sluice does not run."
  (fake-daemon-without
    (with-temp-buffer
      (insert "Hello")
      (let ((sluice-model nil))
        (should (string-search "`sluice-model'" (format-message "%s" (cadr (should-error (sluice-send)))))))
      (let ((sluice-socket (concat "/" (make-string 200 ?x))))
        (should-not (sluice-connection))
        (dolist (command '(sluice-send sluice-start sluice-status sluice-queue))
          (should (string-search "sluice-socket"
                                 (cadr (should-error (funcall command) :type 'user-error))))))
      (let ((sluice-daemon-command 'sluice))
        (should (string-search "sluice-daemon-command"
                               (cadr (should-error (sluice-start) :type 'user-error))))))))

(ert-deftest sluice-settings-test-regexps ()
  "One text is taken for a list of one."
  (defvar sluice-gptel-direct-hosts)
  (let ((sluice-gptel-direct-hosts "\\.lan\\'"))
    (should (equal '("\\.lan\\'") (sluice-settings-regexps 'sluice-gptel-direct-hosts)))))

(ert-deftest sluice-settings-test-all-problems ()
  "With the defaults nothing is wrong; a value of the wrong kind is found, and not shown."
  (require 'sluice-gptel)
  (require 'sluice-rewrite)
  (let ((sluice-key #'sluice-key-from-auth-source))
    (should-not (sluice-settings-all-problems)))
  (let* ((sluice-timeout "CANARY-5") (problems (sluice-settings-all-problems)))
    (should (equal '(sluice-timeout) (mapcar #'car problems)))
    (should (string-search "M-x customize-option RET sluice-timeout" (cdar problems)))
    (should-not (string-search "CANARY" (cdar problems)))))

(provide 'sluice-settings-test)
;;; sluice-settings-test.el ends here
