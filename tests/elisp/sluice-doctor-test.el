;;; sluice-doctor-test.el --- Tests of sluice-doctor.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-doctor)

(defvar sluice-gptel-mode)

(defmacro sluice-doctor-test-page (script &rest body)
  "Open the page with a check program that runs the shell SCRIPT, then run BODY there."
  (declare (indent 1) (debug t))
  `(let* ((program (make-temp-file "sluice-check" nil nil (concat "#!/bin/sh\n" ,script "\n")))
          (sluice-daemon-command (list program "serve"))
          (sluice-host "api.example.org") (auth-sources nil))
     (set-file-modes program #o755)
     (unwind-protect
         (save-window-excursion
           (sluice-doctor)
           (with-current-buffer "*Sluice doctor*"
             (fake-daemon-until (consp sluice-doctor--check))
             ,@body))
       (delete-file program))))

(ert-deftest sluice-doctor-test-healthy ()
  "With all in place: versions, socket and its mode, and a check that finds nothing."
  (fake-daemon-with
    (set-file-modes (fake-daemon-socket) #o600)
    (sluice-doctor-test-page "test \"$1\" = check"
      (should-not (buffer-modified-p))
      (let ((text (buffer-string)))
        (dolist (part '("^ok    The daemon runs: version 9.9, process [0-9]+"
                        "^note  The daemon is version 9.9, this package 0.1.0"
                        "^ok    The socket .* is yours alone (mode 600)"
                        "^ok    The daemon's own check finds nothing to mend"
                        "\\`All is well"))
          (should (string-match-p part text)))))))

(ert-deftest sluice-doctor-test-no-daemon ()
  "Without a daemon it is said how to start it, and a key does so."
  (fake-daemon-without
    (sluice-doctor-test-page "exit 0"
      (should (string-match-p "^BAD   The daemon does not answer\n +→ Start it with M-x"
                              (buffer-string)))
      (should (string-match-p "^ +\\[1\\] Start it$" (buffer-string)))
      (let ((started nil) (last-command-event ?1))
        (cl-letf (((symbol-function 'sluice-start) (lambda () (setq started t))))
          (call-interactively (key-binding "1")))
        (should started))
      (let ((last-command-event ?9))
        (should-error (call-interactively (key-binding "9")) :type 'user-error)))))

(ert-deftest sluice-doctor-test-daemon-hangs ()
  "A daemon that hangs is found, with how to end it; all else is looked at as ever."
  (fake-daemon-with
    (let ((pid (plist-get (sluice-rpc-hello (sluice-connection)) :pid)) (sluice-timeout 0.2))
      (signal-process pid 'SIGSTOP)
      (unwind-protect
          (sluice-doctor-test-page "exit 0"
            (should (string-match-p
                     (format "^BAD   The daemon is there, but does not answer\n +→ .*kill -9 %d" pid)
                     (buffer-string)))
            (should (string-match-p "M-x sluice-start" (buffer-string)))
            (should (string-match-p "^note  auth-source has no key for api.example.org"
                                    (buffer-string))))
        (signal-process pid 'SIGCONT)))))

(ert-deftest sluice-doctor-test-socket-open ()
  "A socket that others may use is found, and its button closes it."
  (fake-daemon-with
    (set-file-modes (fake-daemon-socket) #o666)
    (sluice-doctor-test-page "exit 0"
      (should (string-match-p "^BAD   Others may use the socket .* (mode 666)" (buffer-string)))
      (should (string-match-p "One thing is to be mended" (buffer-string)))
      (let ((last-command-event ?1))
        (call-interactively (key-binding "1")))
      (should (= #o600 (file-modes (fake-daemon-socket))))
      (should (string-match-p "yours alone (mode 600)" (buffer-string))))))

(ert-deftest sluice-doctor-test-keys ()
  "Of keys the names are shown, and never a value; a server on this machine wants none."
  (fake-daemon-with
    (fake-daemon-set :pools [(:host "api.example.org") (:host "other.example.org")
                             (:host "localhost:11434") (:host "127.0.0.1") (:host "[::1]")])
    (let ((file (make-temp-file "authinfo" nil nil
                                "machine api.example.org login apikey password CANARY-doctor\n")))
      (unwind-protect
          (sluice-doctor-test-page "exit 0"
            (let ((auth-sources (list file)) (auth-source-do-cache nil))
              (sluice-doctor--look))
            (should (string-match-p "^ok    auth-source has a key: machine api.example.org login"
                                    (buffer-string)))
            (should (string-match-p "^note  auth-source has no key for other.example.org"
                                    (buffer-string)))
            (should-not (string-match-p "no key for \\(?:localhost\\|127\\|\\[\\)" (buffer-string)))
            (should-not (string-search "CANARY" (buffer-string))))
        (delete-file file)))))

(ert-deftest sluice-doctor-test-check-finds ()
  "What the daemon's own check finds is shown as it says it, and counted."
  (fake-daemon-with
    (set-file-modes (fake-daemon-socket) #o600)
    (sluice-doctor-test-page "echo 'BAD   the state folder is open'; exit 1"
      (should (string-match-p "own check finds\nBAD   the state folder is open" (buffer-string)))
      (should (string-match-p "\\`One thing is to be mended" (buffer-string))))))

(ert-deftest sluice-doctor-test-protocol ()
  "A daemon of another protocol is wrong, with what to update."
  (let ((process-environment (cons "FAKE_PROTOCOL=7" process-environment)))
    (fake-daemon-with
      (fake-daemon-messages
        (sluice-doctor-test-page "exit 0"
          (should (string-match-p "^BAD   The daemon speaks protocol 7, this package 1\n.*git pull"
                                  (buffer-string))))))))

(ert-deftest sluice-doctor-test-gptel ()
  "It is told whether gptel goes through Sluice, and a button turns that on."
  (dolist (case '((nil nil "not installed") (t nil "does not go") (t t "goes through Sluice")))
    (cl-letf (((symbol-function 'locate-library) (lambda (&rest _) (nth 0 case)))
              ((symbol-function 'featurep) #'ignore))
      (let ((sluice-gptel-mode (nth 1 case)))
        (should (string-search (nth 2 case)
                               (sluice-finding-what (car (sluice-doctor--gptel)))))))))

(ert-deftest sluice-doctor-test-programs ()
  "Missing programs are told with what to do."
  (let ((exec-path nil) (sluice-daemon-command '("no-such-program" "serve")))
    (should (string-search "install it" (sluice-finding-mend (car (sluice-doctor--curl)))))
    (should (string-search "pipx install" (sluice-finding-mend (car (sluice-doctor--program)))))
    (should-not (sluice-doctor--check-command)))
  (let ((sluice-daemon-command '("sh" "serve")) (sluice-language nil))
    (let ((sluice-words-heard nil)) (should (equal '("sh" "check") (sluice-doctor--check-command))))
    (let ((sluice-words-heard "ko"))    ; the page is in one language
      (should (equal '("sh" "check" "--language" "ko") (sluice-doctor--check-command))))))

(ert-deftest sluice-doctor-test-narrow ()
  "The page is filled to the width of its window, and anew when that changes."
  (fake-daemon-without
    (sluice-doctor-test-page "exit 0"
      (dolist (width '(50 120))
        (cl-letf (((symbol-function 'window-body-width) (lambda (&rest _) width)))
          (sluice-doctor--resized (selected-window)))
        (let ((widest (apply #'max (mapcar #'string-width
                                           (cddr (split-string (buffer-string) "\n"))))))
          (should (<= widest (min 78 (- width 2))))
          (should (> widest 40)))))))

;; The sandbox.

(ert-deftest sluice-doctor-test-sandbox ()
  "Where the sandbox answers that is told, with how to end it; else there is no word of it.
It needs no key, so none is missing."
  (fake-daemon-with
    (set-file-modes (fake-daemon-socket) #o600)
    (sluice-doctor-test-page "exit 0"
      (should-not (string-search "sandbox" (buffer-string)))
      (should (string-search "has no key" (buffer-string)))
      (fake-daemon-set :sandbox t)
      (sluice-doctor--look)
      (should-not (string-search "has no key" (buffer-string)))
      (should (string-match-p "^note  What answers is the sandbox" (buffer-string)))
      (should (string-match-p (concat "stop --socket\\s-+" (regexp-quote (fake-daemon-socket)))
                              (buffer-string)))
      (should (string-match-p "\\`All is well" (buffer-string))))))

(ert-deftest sluice-doctor-test-hangs-before-it-greets ()
  "A daemon that hung before this Emacs came is found to hang, not to be missing."
  (fake-daemon-with
    (let ((sluice-timeout 0.1))
      (fake-daemon-stop)
      (sluice-doctor-test-page "exit 0"
        (should (string-match-p "^BAD   The daemon is there, but does not answer\n +→ .*kill -9 [0-9]+;"
                                (buffer-string)))
        (should-not (string-search "Start it" (buffer-string)))))))

;; Settings.

(ert-deftest sluice-doctor-test-wrong-settings ()
  "A setting without a meaning is found, with a button; none of them breaks the page."
  (fake-daemon-without
    (let ((sluice-daemon-command '(sluice)) (sluice-host 7) (auth-sources 7)
          (sluice-socket (concat "/" (make-string 200 ?x))) (sluice-language 7))
      (save-window-excursion
        (sluice-doctor)
        (with-current-buffer "*Sluice doctor*"
          (dolist (option '(sluice-daemon-command sluice-host sluice-socket sluice-language))
            (goto-char (point-min))
            (should (re-search-forward (format "^BAD   The setting .%s. must be" option) nil t))
            (should (re-search-forward "^ +\\[[0-9]\\] Change it$" nil t))))))))

(ert-deftest sluice-doctor-test-what-cannot-be-looked-at ()
  "An error in one look is a finding; the others are made all the same."
  (fake-daemon-without
    (cl-letf (((symbol-function 'sluice-doctor--curl) (lambda () (error "Broken"))))
      (sluice-doctor-test-page "exit 0"
        (should (string-match-p "^BAD   This could not be looked at: Broken" (buffer-string)))
        (should (string-search "gptel" (buffer-string)))))))

;; Options of `serve'.

(ert-deftest sluice-doctor-test-options-of-serve ()
  "Of what stands behind `serve' the check is given what tells which daemon is meant."
  (let ((sluice-words-heard nil) (sluice-language nil))
    (pcase-dolist (`(,command . ,check)
                   '((("sh" "serve" "--sandbox") . ("sh" "check"))
                     (("sh" "-m" "daemon" "serve" "--socket" "/s" "--replace")
                      . ("sh" "-m" "daemon" "--socket" "/s" "check"))
                     (("sh") . ("sh" "check"))))
      (let ((sluice-daemon-command command))
        (should (equal check (sluice-doctor--check-command)))))))

(provide 'sluice-doctor-test)
;;; sluice-doctor-test.el ends here
