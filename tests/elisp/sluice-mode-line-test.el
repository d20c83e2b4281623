;;; sluice-mode-line-test.el --- Tests of sluice-mode-line.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-mode-line)
(require 'sluice-gptel)
(require 'sluice-llm)

(defmacro sluice-mode-line-test-with (&rest body)
  "Run BODY with the stand-in and `sluice-mode-line-mode' on; then it is off."
  (declare (indent 0) (debug t))
  `(fake-daemon-with
     (sluice-connection)
     (let ((global-mode-string global-mode-string))
       (unwind-protect
           (progn (sluice-mode-line-mode 1) ,@body)
         (sluice-mode-line-mode -1)))))

(ert-deftest sluice-mode-line-test-text ()
  "How many wait, and when the first one goes."
  (should-not (sluice-mode-line--text nil 100))
  (pcase-dolist (`(,rows . ,text)
                 '((((:eta_at 130) (:eta_at 112)) . "2 0:12")
                   (((:eta_at nil)) . "1") (((:eta_at 90)) . "1")))
    (should (string-match-p (concat "\\` [^0-9]+" text "\\'")
                            (sluice-mode-line--text rows 100)))))

(ert-deftest sluice-mode-line-test-news ()
  "The daemon's news are shown; one clock runs, and only while something waits."
  (sluice-mode-line-test-with
    (should (memq 'sluice-mode-line-string global-mode-string))
    (should-not sluice-mode-line--clock)
    (fake-daemon-set :queue (vector (list :id "c1" :client "emacs-gptel" :eta_at (+ 60 (float-time)))
                                    '(:id "c2" :client "emacs") '(:id "c3" :client "nightly")
                                    '(:id "c4" :client "emacs-llm"))
                     :tell "queue")
    (should (string-match-p "3 \\(1:00\\|0:59\\)"
                            (fake-daemon-until sluice-mode-line-string)))
    (let ((clock sluice-mode-line--clock))
      (should (timerp clock))
      (fake-daemon-set :queue [(:id "c2" :client "emacs")] :tell "queue")
      (fake-daemon-until (string-match-p "1\\'" sluice-mode-line-string))
      (should (eq clock sluice-mode-line--clock)))
    (fake-daemon-set :queue [] :tell "queue")
    (fake-daemon-until (null sluice-mode-line-string))
    (should-not sluice-mode-line--clock)))

(defun sluice-mode-line-test-sent-as (args)
  "Return the client that curl names with ARGS."
  (cl-some (lambda (arg) (and (string-match "\\`X-Sluice-Client: \\(.*\\)" arg) (match-string 1 arg)))
           args))

(ert-deftest sluice-mode-line-test-clients ()
  "The clients that are counted are those as which calls of this Emacs are sent."
  (with-temp-buffer
    (should (equal (default-value 'sluice-mode-line-clients)
                   (list (plist-get (sluice-chat--params nil nil) :client)
                         (sluice-mode-line-test-sent-as (sluice-gptel--curl-args "s" "id"))
                         (sluice-mode-line-test-sent-as (sluice-llm--curl-args "s" "id")))))))

(ert-deftest sluice-mode-line-test-what-waits-already ()
  "What waits when the mode is turned on is shown at once; all programs if wanted."
  (fake-daemon-with
    (fake-daemon-set :queue [(:id "c1" :client "nightly")])
    (let ((global-mode-string '("")) (sluice-mode-line-clients t))
      (unwind-protect
          (progn (sluice-mode-line-mode 1)
                 (should (string-match-p "1" (fake-daemon-until sluice-mode-line-string))))
        (sluice-mode-line-mode -1))
      (should (equal '("") global-mode-string))
      (should-not sluice-mode-line-string)
      (should-not sluice-mode-line--clock)
      (should-not sluice--subscribed))))

(ert-deftest sluice-mode-line-test-daemon-gone ()
  "When the daemon goes away nothing is said to wait any more."
  (sluice-mode-line-test-with
    (fake-daemon-set :queue [(:id "c1" :client "emacs")] :tell "queue")
    (fake-daemon-until sluice-mode-line-string)
    (fake-daemon-messages
      (fake-daemon-kill)
      (fake-daemon-until (null sluice-mode-line-string)))
    (should-not sluice-mode-line--clock)))

(ert-deftest sluice-mode-line-test-disconnected ()
  "After `sluice-disconnect' nothing is said to wait either, and no clock runs."
  (sluice-mode-line-test-with
    (fake-daemon-set :queue [(:id "c1" :client "emacs")] :tell "queue")
    (fake-daemon-until sluice-mode-line-string)
    (sluice-disconnect)
    (should-not sluice-mode-line-string)
    (should-not sluice-mode-line--clock)))

(provide 'sluice-mode-line-test)
;;; sluice-mode-line-test.el ends here
