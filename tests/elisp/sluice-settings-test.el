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

(provide 'sluice-settings-test)
;;; sluice-settings-test.el ends here
