;;; sluice-warnings-test.el --- Tests of sluice-warnings.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-warnings)

(ert-deftest sluice-warnings-test-told-once ()
  "A warning is told once, another one again, and after the mode nothing."
  (fake-daemon-with
    (let* ((sluice-warnings--told nil) (told nil)
           (sluice-warning-function (lambda (words) (push words told))))
      (unwind-protect
          (progn
            (sluice-connection)
            (sluice-warnings-mode 1)
            (fake-daemon-until (plist-get (fake-daemon-seen) :subscribed))
            (sluice-ask "warn" '(:key "a" :words "80 % used"))
            (sluice-ask "warn" '(:key "a" :words "85 % used"))
            (sluice-ask "warn" '(:key "b" :words "a long queue"))
            (fake-daemon-until (= 2 (length told)))
            (should (equal told '("a long queue" "80 % used"))))
        (sluice-warnings-mode -1))
      (sluice-ask "warn" '(:key "c" :words "nobody listens"))
      (sluice-ask "echo")
      (should (= 2 (length told))))))

(ert-deftest sluice-warnings-test-on-in-the-init-file ()
  "Turning the mode on, as an init file does, does not wait for a daemon that hangs."
  (fake-daemon-with
    (fake-daemon-stop)
    (cl-letf (((symbol-function 'accept-process-output)
               (lambda (&rest _) (ert-fail "Emacs waits for the daemon"))))
      (unwind-protect
          (progn (sluice-warnings-mode 1)
                 (should (sluice-rpc-live-p sluice--greeting)))
        (sluice-warnings-mode -1)))))

(ert-deftest sluice-warnings-test-memory-is-bounded ()
  "Only so many keys are remembered; the newest stay."
  (let ((sluice-warnings--told nil) (sluice-warning-function #'ignore))
    (dotimes (n (* 2 sluice-warnings--most))
      (sluice-warnings--hear 'warning (list :key n :words "x")))
    (should (= sluice-warnings--most (length sluice-warnings--told)))
    (should (member (1- (* 2 sluice-warnings--most)) sluice-warnings--told))))

(ert-deftest sluice-warnings-test-ways-to-tell ()
  "In the echo area, or as a warning that stays."
  (should (equal '("Sluice: 80 % used") (fake-daemon-messages (sluice-warnings-say "80 % used"))))
  (let ((shown nil))
    (cl-letf (((symbol-function 'display-warning) (lambda (&rest args) (push args shown))))
      (sluice-warnings-display "80 % used"))
    (should (equal shown '((sluice "80 % used" :warning))))))

(provide 'sluice-warnings-test)
;;; sluice-warnings-test.el ends here
