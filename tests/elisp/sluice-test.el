;;; sluice-test.el --- Tests of sluice.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)

(defmacro sluice-test-with-environment (variables &rest body)
  "Run BODY with VARIABLES, strings NAME=VALUE or NAME, in the environment."
  (declare (indent 1) (debug t))
  `(let ((process-environment (append ,variables process-environment))) ,@body))

(defun sluice-test-program (directory &optional lines)
  "Write a program into DIRECTORY that starts the stand-in; return the command.
LINES are put before it."
  (let ((file (expand-file-name "sluice-for-test" directory)))
    (with-temp-file file
      (insert "#!/bin/sh\n" (or lines "")
              (format "exec %s %s \"$@\"\n" (shell-quote-argument fake-daemon-python)
                      (shell-quote-argument fake-daemon-program))))
    (set-file-modes file #o755)
    (list file "serve")))

(defun sluice-test-write-endpoint (directory socket)
  "Write an endpoint.json with SOCKET into DIRECTORY."
  (make-directory directory t)
  (with-temp-file (expand-file-name "endpoint.json" directory)
    (insert (json-serialize (list :socket socket :pid 1 :version "9.9" :protocol 1)))))

(ert-deftest sluice-test-address-order ()
  "The option goes before SLUICE_SOCKET, and that before what the daemon wrote down."
  (fake-daemon-without
    (let ((home (expand-file-name "state" fake-daemon-directory)))
      (sluice-test-write-endpoint (expand-file-name "sluice" home) "/written/down")
      (sluice-test-with-environment
          (list "SLUICE_STATE_DIR" (concat "XDG_STATE_HOME=" home))
        (let ((sluice-socket nil))
          (should (equal "/written/down" (sluice-address)))
          (sluice-test-with-environment '("SLUICE_SOCKET=/from/environment")
            (should (equal "/from/environment" (sluice-address)))
            (let ((sluice-socket "/option"))
              (should (equal "/option" (sluice-address))))))))))

(ert-deftest sluice-test-address-unknown ()
  "Without any trace of a daemon, or with a broken file, there is no address."
  (fake-daemon-without
    (sluice-test-with-environment
        (list "SLUICE_STATE_DIR" (concat "XDG_STATE_HOME=" fake-daemon-directory))
      (let ((sluice-socket nil) (directory (expand-file-name "sluice" fake-daemon-directory)))
        (should-not (sluice-address))
        (should-not (sluice-connection))
        (make-directory directory)
        (with-temp-file (expand-file-name "endpoint.json" directory) (insert "{half"))
        (should-not (sluice-address))))))

(ert-deftest sluice-test-one-connection ()
  "The connection is made once, greets, and is made anew after the daemon's restart."
  (fake-daemon-with
    (let ((first (sluice-connection)))
      (should (equal "9.9" (plist-get (sluice-rpc-hello first) :version)))
      (should (eq first (sluice-connection)))
      (fake-daemon-kill)
      (fake-daemon-until (not (sluice-rpc-live-p first)))
      (should-not (sluice-connection))
      (fake-daemon-start)
      (should (sluice-rpc-live-p (sluice-connection)))
      (should (equal '(:x 1) (sluice-ask "echo" '(:x 1)))))))

(ert-deftest sluice-test-other-protocol ()
  "A daemon of another protocol is told with what to do."
  (sluice-test-with-environment '("FAKE_PROTOCOL=7")
    (fake-daemon-with
      (let ((shown (fake-daemon-messages (sluice-connection))))
        (should (string-match-p "speaks protocol 7.*git pull && pipx install --force \\." (car shown)))))))

(ert-deftest sluice-test-a-daemon-that-hangs ()
  "A command waits for a daemon that hangs once, not each time, and says what to do;
another daemon is not started, and nobody is asked about that."
  (fake-daemon-with
    (let ((sluice-timeout 0.2) (sluice-start-daemon 'ask) (noninteractive nil) (waited 0))
      (sluice-test-write-endpoint fake-daemon-directory (fake-daemon-socket))
      (fake-daemon-stop)
      (cl-letf (((symbol-function 'y-or-n-p) (lambda (_) (ert-fail "A person was asked")))
                ((symbol-function 'sluice--launch) (lambda (_) (ert-fail "Another was started"))))
        (should (string-match-p "does not answer.*kill -9 1; .*M-x sluice-start"
                                (cadr (should-error (sluice-ask "status") :type 'user-error))))
        (should (sluice-silent-p))
        (setq sluice-timeout 3600
              sluice--greeting-since (- (float-time) 7200))
        (cl-letf* ((accept (symbol-function 'accept-process-output))
                   ((symbol-function 'accept-process-output)
                    (lambda (&rest args) (cl-incf waited) (apply accept args))))
          (dolist (command (list (lambda () (sluice-ask "status")) #'sluice-start))
            (should (string-match-p "does not answer"
                                    (cadr (should-error (funcall command) :type 'user-error))))))
        (should (< waited 10))
        (should (string-match-p "does not answer" (car (fake-daemon-messages (sluice-status))))))
      (fake-daemon-continue)
      (fake-daemon-until sluice--connection)
      (should (equal '(:x 1) (sluice-ask "echo" '(:x 1)))))))

(ert-deftest sluice-test-hangs-while-connected ()
  "A daemon that hangs in the middle is not only late: it is said what to do, by all who ask."
  (fake-daemon-with
    (sluice-connection)
    (fake-daemon-stop)
    (let ((sluice-timeout 0.05))
      (dolist (command (list #'sluice-status #'sluice-explain-last
                             (lambda () (sluice-explain--ask '(:text "429")))))
        (let ((text (cadr (should-error (funcall command) :type 'user-error))))
          (should (string-match-p "does not answer.*kill -9 [0-9]+; .*M-x sluice-start" text))
          (should-not (string-search "not running" text)))))))

(ert-deftest sluice-test-refusal-is-a-user-error ()
  "What the daemon says against a question is shown as it is."
  (fake-daemon-with
    (should (equal '(user-error "This was refused.") (should-error (sluice-ask "fail"))))))

(ert-deftest sluice-test-never-start ()
  "With `sluice-start-daemon' nil nothing is started, and it is said what to do."
  (fake-daemon-without
    (let* ((sluice-daemon-command (sluice-test-program fake-daemon-directory))
           (err (should-error (sluice-ask "status") :type 'user-error)))
      (should (string-match-p "not running.*sluice-start.* --socket " (cadr err))))))

(ert-deftest sluice-test-nothing-was-to-be-sent ()
  "Who has nothing to send is told that Sluice is not running and how to start it,
and not that nothing was sent."
  (fake-daemon-without
    (dolist (command '(sluice-queue sluice-limits sluice-log sluice-usage sluice-copy-curl))
      (let ((text (cadr (should-error (funcall command) :type 'user-error))))
        (should (string-match-p "\\`Sluice is not running\\.  Start it with M-x sluice-start" text))
        (should-not (string-search "sent" text))))))

(ert-deftest sluice-test-start-on-demand ()
  "With `sluice-start-daemon' t the daemon is started, and outlives the connection."
  (fake-daemon-without
    (let ((sluice-daemon-command (sluice-test-program fake-daemon-directory))
          (sluice-start-daemon t) (pid nil))
      (unwind-protect
          (progn
            (should (equal '(:x 1) (sluice-ask "echo" '(:x 1))))
            (setq pid (plist-get (sluice-rpc-hello sluice--connection) :pid))
            (sluice-disconnect)
            (should (equal pid (plist-get (sluice-rpc-hello (sluice-connection)) :pid))))
        (when pid (signal-process pid 'SIGKILL))))))

(ert-deftest sluice-test-start-finds-where-it-listens ()
  "A started daemon is found by the address that it writes down."
  (fake-daemon-without
    (let* ((sluice-daemon-command
            (sluice-test-program fake-daemon-directory
                                 (format "export FAKE_SOCKET=%s\n"
                                         (expand-file-name "other" fake-daemon-directory))))
           (sluice-socket nil) (sluice-start-daemon t) (pid nil))
      (unwind-protect
          (progn
            (fake-daemon-messages (sluice-start))
            (setq pid (plist-get (sluice-rpc-hello sluice--connection) :pid))
            (should (equal "other" (file-name-nondirectory
                                    (sluice-rpc-address sluice--connection)))))
        (when pid (signal-process pid 'SIGKILL))))))

;; A daemon that does not come.

(defmacro sluice-test-starting (lines &rest body)
  "Run BODY with a daemon that executes LINES of shell before it starts.
Nothing may be left of what was noted about it."
  (declare (indent 1) (debug t))
  `(fake-daemon-without
     (let* ((notes (expand-file-name "notes" fake-daemon-directory))
            (temporary-file-directory (file-name-as-directory notes))
            (sluice-daemon-command (sluice-test-program fake-daemon-directory ,lines)))
       (make-directory notes)
       ,@body
       (should-not (directory-files notes nil "[^.]")))))

(ert-deftest sluice-test-start-ends-at-once ()
  "A daemon that ends at once is noticed, and its last words are shown."
  (sluice-test-starting "echo first >&2; echo \"config.yaml:1: unknown setting 'x' 가\" >&2; exit 2\n"
    (let ((sluice--start-limit 3600))
      (should (string-match-p "ended at once.*sluice-start: first\nconfig.*unknown setting 'x' 가\\'"
                              (cadr (should-error (sluice-start) :type 'user-error)))))))

(ert-deftest sluice-test-start-ends-without-a-word ()
  "Of a daemon that ends at once and says nothing, the status is told."
  (sluice-test-starting "exit 7\n"
    (let ((sluice--start-limit 3600))
      (should (string-match-p "status 7 .*in a terminal.*sluice-for-test"
                              (cadr (should-error (sluice-start) :type 'user-error)))))))

(ert-deftest sluice-test-start-hands-over ()
  "A program that ends well may have had another one start the daemon, which has time."
  (sluice-test-starting "exit 0\n"
    (let ((sluice--start-limit 0.3))
      (should (string-match-p "did not answer"
                              (cadr (should-error (sluice-start) :type 'user-error)))))))

(ert-deftest sluice-test-start-can-be-quit ()
  "Who does not want to wait for a daemon that does not come need not."
  (sluice-test-starting "exit 0\n"
    (let ((sluice--start-limit 3600) (shown nil))
      (run-at-time 0.1 nil (lambda () (setq quit-flag t)))
      (should (eq 'quit (fake-daemon-catching shown
                          (condition-case nil (sluice-start) (quit 'quit)))))
      (should (string-match-p "\\`Starting.*C-g" (car shown))))))

(ert-deftest sluice-test-last-lines ()
  "Of much that was said the last lines are shown, and not all of a long one."
  (should (equal "b\nc\nd" (sluice--last-lines "a\n\n b\nc\r\nd\n")))
  (should (= 500 (string-width (sluice--last-lines (make-string 9000 ?x))))))

(ert-deftest sluice-test-start-asks ()
  "By default the user is asked, and a no is respected."
  (fake-daemon-without
    (let ((sluice-start-daemon 'ask) (noninteractive nil) (asked nil))
      (cl-letf (((symbol-function 'y-or-n-p) (lambda (text) (push text asked) nil)))
        (should-not (sluice-ensure))
        (should (string-match-p "not running" (car asked)))))))

(ert-deftest sluice-test-start-asks-only-who-acts ()
  "Timers, and what comes from the daemon, do not ask in the middle of what you type."
  (fake-daemon-without
    (let ((sluice-start-daemon 'ask) (noninteractive nil) (asked nil) (ensured 'not-yet))
      (cl-letf (((symbol-function 'y-or-n-p) (lambda (text) (push text asked) t)))
        (run-at-time 0 nil (lambda () (setq ensured (sluice-ensure))))
        (fake-daemon-until (null ensured)))
      (should-not asked))))

(ert-deftest sluice-test-start-without-program ()
  "If the program is missing, it is said how to install it."
  (fake-daemon-without
    (let ((sluice-daemon-command '("no-such-program-here" "serve")))
      (should (string-match-p "pipx install \\.;"
                              (cadr (should-error (sluice-start) :type 'user-error)))))))

(ert-deftest sluice-test-status ()
  "The status says version, process and how many wait; without a daemon, what to do."
  (fake-daemon-with
    (let ((shown (fake-daemon-messages (sluice-status))))
      (should (string-match-p "Sluice 9.9 runs (process [0-9]+, .*): 2 calls wait" (car shown)))))
  (fake-daemon-without
    (let ((shown (fake-daemon-messages (sluice-status))))
      (should (string-match-p "not running.*sluice-start" (car shown))))))

(ert-deftest sluice-test-status-of-the-sandbox ()
  "The status says when what answers is the sandbox, and else nothing of it."
  (fake-daemon-with
    (should-not (string-search "sandbox" (car (fake-daemon-messages (sluice-status)))))
    (fake-daemon-set :sandbox t)
    (should (string-match-p "2 calls wait\\.  It is the sandbox: nothing goes to a provider\\'"
                            (car (fake-daemon-messages (sluice-status)))))))

(ert-deftest sluice-test-commands ()
  "Each key of the command map is a documented command."
  (map-keymap (lambda (_key command)
                (should (commandp command))
                (should (documentation command)))
              sluice-command-map)
  (should (eq 'sluice-send (lookup-key sluice-command-map "s"))))

(ert-deftest sluice-test-disconnect-says-so ()
  "Who disconnects by the key is told so, and also when there was nothing to disconnect."
  (fake-daemon-with
    (sluice-connection)
    (should (string-match-p "\\`Disconnected from Sluice.*connects again"
                            (car (fake-daemon-messages (call-interactively #'sluice-disconnect)))))
    (should-not (sluice-rpc-live-p sluice--connection))
    (should (string-match-p "was not connected"
                            (car (fake-daemon-messages (call-interactively #'sluice-disconnect)))))
    (should-not (fake-daemon-messages (sluice-disconnect)))))

(ert-deftest sluice-test-another-language ()
  "Who chooses a language while connected hears it from then on; it is told once.
Without a choice nothing is said, and what is no language is no header."
  (fake-daemon-with
    (let* ((conn (sluice-connection))
           (told (lambda () (mapcar (lambda (greeting) (plist-get greeting :language))
                                    (plist-get (fake-daemon-seen) :greetings)))))
      (sluice-speak conn)
      (should (equal '(nil) (funcall told)))
      (should-not (sluice-language-header))
      (let ((sluice-language "ko"))
        (dotimes (_ 2) (sluice-speak conn))
        (should (equal '(nil "ko") (funcall told)))
        (should (equal '("-H" "X-Sluice-Language: ko") (sluice-language-header))))
      (let ((sluice-language "ko\nX-Evil: 1"))
        (should-not (sluice-language-header))))))

(provide 'sluice-test)
;;; sluice-test.el ends here
