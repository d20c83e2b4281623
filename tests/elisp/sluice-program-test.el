;;; sluice-program-test.el --- Tests of sluice-program.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-program)

(defun sluice-program-test-script (&rest lines)
  "Write a program of LINES, a shell script, and return its file."
  (let ((file (expand-file-name "a program" fake-daemon-directory)))
    (with-temp-file file
      (insert "#!/bin/sh\n" (string-join lines "\n") "\n"))
    (set-file-modes file #o755)
    file))

(defun sluice-program-test-ask (question program)
  "Return the answer of PROGRAM to QUESTION, or what it says against it."
  (let* ((sluice-daemon-command (list program "serve" "--verbose")) (outcome nil))
    (sluice-program-explain question
                            (lambda (answer) (setq outcome (list :answer answer)))
                            (lambda (text) (setq outcome (list :failed text))))
    (fake-daemon-until outcome)))

(ert-deftest sluice-program-test-arguments ()
  "The text goes by standard input as it is; status, provider and language are options."
  (fake-daemon-without
    (let ((sluice-language "ko")
          (text "한국어 \"quoted\" $HOME `id`\n"))
      (let ((answer (plist-get
                     (sluice-program-test-ask
                      (list :text text :status 429 :provider "groq")
                      (sluice-program-test-script
                       "printf '{\"explanation\": {\"line\": \"%s\", \"original\": \"%s\"}}' \\"
                       "  \"$*\" \"$(base64 -w0)\""))
                     :answer)))
        (should (equal "explain --json --language ko --status 429 --provider groq -"
                       (plist-get (plist-get answer :explanation) :line)))
        (should (equal text (decode-coding-string
                             (base64-decode-string
                              (plist-get (plist-get answer :explanation) :original))
                             'utf-8)))))))

(ert-deftest sluice-program-test-failures ()
  "What the program complains of is told; nothing, garbage and a missing one have sentences."
  (fake-daemon-without
    (dolist (case '(("cat >/dev/null; echo 'no such call' >&2; exit 4" . "\\`no such call\\'")
                    ("exit 0" . "printed nothing that could be read")
                    ("echo '{\"a\":'" . "printed nothing that could be read")
                    ("echo 'x: No module named daemon' >&2; exit 1" . "pipx install \\.")))
      (should (string-match-p
               (cdr case)
               (plist-get (sluice-program-test-ask '(:text "x")
                                                   (sluice-program-test-script (car case)))
                          :failed))))
    (let ((exec-path nil))
      (should (string-match-p "no-such-program-here.*pipx install"
                              (plist-get (sluice-program-test-ask '(:text "x")
                                                                  "no-such-program-here")
                                         :failed))))))

(ert-deftest sluice-program-test-hangs ()
  "A program that gives no answer is ended, and nothing is left behind."
  (fake-daemon-without
    (let ((sluice-program--limit 0.1) (buffers (length (buffer-list))))
      (should (string-match-p "gave no answer"
                              (plist-get (sluice-program-test-ask
                                          '(:text "x") (sluice-program-test-script "exec sleep 60"))
                                         :failed)))
      (should (= buffers (length (buffer-list))))
      (should-not (cl-find "sluice-program" (mapcar #'process-name (process-list))
                           :test #'string-prefix-p)))))

(ert-deftest sluice-program-test-which ()
  "The daemon's own command comes first, without what makes it serve; then the known names."
  (cl-letf (((symbol-function 'executable-find)
             (lambda (program &rest _) (member program '("/opt/sluice" "python" "sluice")))))
    (let ((sluice-daemon-command '("/opt/sluice" "serve")))
      (should (equal '("/opt/sluice") (sluice-program-command))))
    (let ((sluice-daemon-command '("python" "-m" "daemon" "serve" "--log-level" "debug")))
      (should (equal '("python" "-m" "daemon") (sluice-program-command))))
    (let ((sluice-daemon-command '("missing" "serve")))
      (should (equal '("sluice") (sluice-program-command))))))

(provide 'sluice-program-test)
;;; sluice-program-test.el ends here
