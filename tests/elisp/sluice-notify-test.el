;;; sluice-notify-test.el --- Tests of sluice-notify.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-notify)

(defmacro sluice-notify-test-told (&rest body)
  "Run BODY and return what it tells, each as (TEXT . BUFFER)."
  (declare (indent 0) (debug t))
  `(let* ((told nil)
          (sluice-notify-function (lambda (text buffer) (push (cons text buffer) told))))
     ,@body
     (nreverse told)))

(ert-deftest sluice-notify-test-long-wait ()
  "The end of a long wait is told, if its buffer is not shown; a short one is not."
  (with-temp-buffer
    (let ((sluice-notify-after 30) (here (current-buffer)))
      (should (equal (list (cons "It came" here))
                     (sluice-notify-test-told (sluice-notify-over here "It came" 31))))
      (should-not (sluice-notify-test-told (sluice-notify-over here "It came" 29)))
      (let ((sluice-notify-after nil))
        (should-not (sluice-notify-test-told (sluice-notify-over here "It came" 3000))))
      (save-window-excursion
        (switch-to-buffer here)
        (should-not (sluice-notify-test-told (sluice-notify-over here "It came" 31)))))))

(ert-deftest sluice-notify-test-default ()
  "By default it is the desktop for a hidden buffer, the echo area for a shown one."
  (with-temp-buffer
    (let ((desktop nil) (here (current-buffer)))
      (cl-letf (((symbol-function 'sluice-notify--desktop)
                 (lambda (text) (push text desktop))))
        (should-not (fake-daemon-messages (sluice-notify-default "hidden" here)))
        (save-window-excursion
          (switch-to-buffer here)
          (should (equal '("shown")
                         (fake-daemon-messages (sluice-notify-default "shown" here))))))
      (should (equal '("hidden") desktop)))))

(ert-deftest sluice-notify-test-no-desktop ()
  "Without a desktop, or with one that fails, there is no error, and no noise."
  (with-temp-buffer
    (dolist (address '("DBUS_SESSION_BUS_ADDRESS" "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere"))
      (let ((process-environment (cons address process-environment)))
        (should-not (fake-daemon-messages
                      (should-not (sluice-notify-default "hidden" (current-buffer)))))))))

(ert-deftest sluice-notify-test-own-function-fails ()
  "A function of the user's that fails is told, and does no harm."
  (with-temp-buffer
    (let ((sluice-notify-function (lambda (&rest _) (error "Broken"))))
      (should (equal '("Sluice: Broken")
                     (fake-daemon-messages (sluice-notify-over (current-buffer) "x" 1e6)))))))

(ert-deftest sluice-notify-test-failure ()
  "A call that fails in a hidden buffer is told with its reason and its buffer."
  (fake-daemon-with
    (with-temp-buffer
      (rename-buffer "hidden" t)
      (let* ((sluice-model "fails")
             (told (sluice-notify-test-told
                     (fake-daemon-messages
                       (sluice-chat-send "Hello" (point-max))
                       (fake-daemon-until (zerop (hash-table-count sluice-chat--live)))))))
        (should (= 1 (length told)))
        (should (string-match-p "\\`hidden: .*no credit left" (caar told)))))))

(provide 'sluice-notify-test)
;;; sluice-notify-test.el ends here
