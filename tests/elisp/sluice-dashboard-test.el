;;; sluice-dashboard-test.el --- Tests of sluice-dashboard.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; What the lists have in common, tried with the list of calls that wait.

;;; Code:

(require 'fake-daemon)
(require 'sluice-calls)

(defun sluice-dashboard-test-row (id &optional seconds)
  "Return the row of the call ID that goes in SECONDS."
  (list :id id :place 1 :client "me" :model "m" :waits_for "w"
        :eta_at (and seconds (+ seconds (float-time)))))

(defun sluice-dashboard-test-text ()
  "Return the text of the list."
  (with-current-buffer "*Sluice queue*" (buffer-string)))

(defmacro sluice-dashboard-test-with (rows &rest body)
  "Run BODY in the list of ROWS."
  (declare (indent 1))
  `(fake-daemon-with
     (fake-daemon-set :queue ,rows)
     (save-window-excursion
       (sluice-queue)
       (fake-daemon-until sluice-dashboard--state)
       ,@body)))

(ert-deftest sluice-dashboard-test-hears-while-shown ()
  "A list asks once and then hears, while it is shown; hidden, it is silent."
  (sluice-dashboard-test-with (vector (sluice-dashboard-test-row "c1"))
    (let ((buffer (current-buffer)))
      (should (sluice-watch-p buffer))
      (fake-daemon-set :queue (vector (sluice-dashboard-test-row "c1")
                                      (sluice-dashboard-test-row "c2"))
                       :tell "queue")
      (fake-daemon-until (= 2 (length sluice-dashboard--rows)))
      (should (equal '("queue") (plist-get (fake-daemon-seen) :asked)))
      (switch-to-buffer "*scratch*")
      (run-hook-with-args 'window-buffer-change-functions (selected-frame))
      (should-not (sluice-watch-p buffer))
      (should-not sluice--subscribed)
      (switch-to-buffer buffer)
      (run-hook-with-args 'window-buffer-change-functions (selected-frame))
      (fake-daemon-until (equal '("queue" "queue") (plist-get (fake-daemon-seen) :asked)))
      (should (sluice-watch-p buffer)))))

(ert-deftest sluice-dashboard-test-language ()
  "A list speaks the language that was chosen since this Emacs is connected."
  (fake-daemon-with
    (sluice-connection)
    (save-window-excursion
      (let ((sluice-language "ko"))
        (sluice-queue)
        (fake-daemon-until sluice-dashboard--state)
        (should (equal "ko" (plist-get (car (last (plist-get (fake-daemon-seen) :greetings)))
                                       :language)))))))

(defun sluice-dashboard-test-text ()
  "Return the text of this buffer, with a space for what parts its words."
  (replace-regexp-in-string "[ \n]+" " " (buffer-string)))

(ert-deftest sluice-dashboard-test-hanging-daemon ()
  "A list whose daemon hangs says so, without holding up Emacs; its late answer is shown."
  (sluice-dashboard-test-with (vector (sluice-dashboard-test-row "c1" 100))
    (let ((sluice-timeout 0.1) (pid (plist-get (sluice-rpc-hello sluice--connection) :pid)))
      (fake-daemon-stop)
      (cl-letf (((symbol-function 'sluice-rpc-call)
                 (lambda (&rest _) (ert-fail "Emacs waits for the daemon"))))
        (revert-buffer)
        (fake-daemon-until (eq 'silent sluice-dashboard--state)))
      (should (string-match-p (format "how it was last.*does not answer.*kill -9 %d;" pid)
                              (sluice-dashboard-test-text)))
      (should-not sluice-dashboard--clock)
      (fake-daemon-continue)
      (fake-daemon-until (eq 'fresh sluice-dashboard--state))
      (should-not (string-search "does not answer" (buffer-string)))
      (should-not sluice-dashboard--patience))))

(ert-deftest sluice-dashboard-test-daemon-that-hung-before ()
  "A list that is shown when a daemon comes that hangs is not empty without a word."
  (sluice-dashboard-test-with []
    (let ((sluice-timeout 0.1))
      (fake-daemon-stop)
      (fake-daemon-messages (sluice-disconnect))
      (revert-buffer)
      (fake-daemon-until (eq 'silent sluice-dashboard--state))
      (should (string-match-p "\\`.*does not answer" (buffer-string)))
      (fake-daemon-continue)
      (fake-daemon-until (eq 'fresh sluice-dashboard--state))
      (should (string-search "No call waits." (buffer-string))))))

(ert-deftest sluice-dashboard-test-clock ()
  "The clock runs only while something waits and the list is shown."
  (sluice-dashboard-test-with (vector (sluice-dashboard-test-row "c1" 100))
    (let ((buffer (current-buffer)))
      (should sluice-dashboard--clock)
      (fake-daemon-set :queue [] :tell "queue")
      (fake-daemon-until (null sluice-dashboard--rows))
      (should-not sluice-dashboard--clock)
      (should (string-search "No call waits." (buffer-string)))
      (fake-daemon-set :queue (vector (sluice-dashboard-test-row "c1" 100)) :tell "queue")
      (fake-daemon-until sluice-dashboard--clock)
      (switch-to-buffer "*scratch*")
      (sluice-dashboard--tick buffer)
      (should-not (buffer-local-value 'sluice-dashboard--clock buffer))
      (should-not (sluice-watch-p buffer)))))

(ert-deftest sluice-dashboard-test-killed ()
  "Of a list that is killed nothing remains."
  (sluice-dashboard-test-with (vector (sluice-dashboard-test-row "c1" 100))
    (let ((clock sluice-dashboard--clock))
      (kill-buffer)
      (should-not (memq clock timer-list))
      (should-not sluice-watch--watchers)
      (sluice-dashboard--look)
      (should-not (memq #'sluice-dashboard--look window-buffer-change-functions)))))

(ert-deftest sluice-dashboard-test-daemon-goes-and-comes ()
  "That the daemon has gone is said below the list; it goes on when it is back."
  (sluice-dashboard-test-with (vector (sluice-dashboard-test-row "c1" 100))
    (let ((sluice--retry-delays '(0.02)))
      (fake-daemon-messages
        (fake-daemon-kill)
        (fake-daemon-until (eq sluice-dashboard--state 'gone))
        (should (string-match-p "not running; the list is how it was.*sluice-start"
                                (sluice-dashboard-test-text)))
        (should-not sluice-dashboard--clock)
        (fake-daemon-start)
        (fake-daemon-until (eq sluice-dashboard--state 'fresh)))
      (should-not sluice-dashboard--rows))))

(ert-deftest sluice-dashboard-test-disconnected ()
  "After `sluice-disconnect' a list says that it is old, and connects again on demand.
That is so also when the daemon is being asked, and there was news meanwhile."
  (sluice-dashboard-test-with (vector (sluice-dashboard-test-row "c1" 100))
    (dotimes (_ 2)
      (fake-daemon-messages (sluice-disconnect))
      (should (eq sluice-dashboard--state 'left))
      (should (string-match-p "c1\\|me" (buffer-string)))
      (should (string-match-p "You have disconnected.*how it was last.*g connects" (buffer-string)))
      (should-not sluice-dashboard--clock)
      (should-not (sluice-rpc-live-p sluice--connection))
      (call-interactively (key-binding "g"))
      (fake-daemon-until (eq sluice-dashboard--state 'fresh))
      (should sluice-dashboard--clock)
      (sluice-dashboard--ask)
      (sluice-dashboard--ask)
      (should (eq 'again sluice-dashboard--asking)))))

(ert-deftest sluice-dashboard-test-stays-in-place ()
  "New rows do not move point off its call; where that has gone, the line stays."
  (let ((rows (lambda (&rest ids) (vconcat (mapcar #'sluice-dashboard-test-row ids)))))
    (sluice-dashboard-test-with (funcall rows "c1" "c2" "c3")
      (goto-char (point-min))
      (forward-line 1)
      (set-window-point nil (point))
      (should (equal "c2" (tabulated-list-get-id)))
      (fake-daemon-set :queue (funcall rows "c0" "c1" "c2" "c3") :tell "queue")
      (fake-daemon-until (= 4 (length sluice-dashboard--rows)))
      (should (equal "c2" (tabulated-list-get-id (window-point))))
      (fake-daemon-set :queue (funcall rows "c0" "c1" "c3") :tell "queue")
      (fake-daemon-until (= 3 (length sluice-dashboard--rows)))
      (should (equal "c3" (tabulated-list-get-id (window-point)))))))

(ert-deftest sluice-dashboard-test-many ()
  "Of a long queue the beginning is shown, and how many more there are."
  (let ((sluice-dashboard--most 3))
    (sluice-dashboard-test-with
        (vconcat (mapcar (lambda (n) (sluice-dashboard-test-row (format "c%d" n)))
                         (number-sequence 1 10)))
      (should (string-search "7 more are not shown." (buffer-string)))
      (should (= 4 (count-lines (point-min) (point-max)))))))

(ert-deftest sluice-dashboard-test-one-question-at-a-time ()
  "However often it is asked, there is one question on its way and one to come."
  (sluice-dashboard-test-with []
    (dotimes (_ 5) (revert-buffer))
    (fake-daemon-until (not sluice-dashboard--asking))
    (should (equal '("queue" "queue" "queue") (plist-get (fake-daemon-seen) :asked)))))

(ert-deftest sluice-dashboard-test-remarks-are-whole ()
  "What is said below a list is as wide as the window, where a line of a list would be cut."
  (fake-daemon-with
    (fake-daemon-set :calls [])
    (fake-daemon-in-width 60
      (sluice-log)
      (with-current-buffer "*Sluice log*"
        (fake-daemon-until sluice-dashboard--state)
        (sluice-dashboard--gone 'silent)
        (should (string-search "M-x sluice-start" (sluice-dashboard-test-text)))
        (goto-char (point-min))
        (while (not (eobp))
          (should (<= (- (line-end-position) (point)) 60))
          (forward-line 1))))))

(provide 'sluice-dashboard-test)
;;; sluice-dashboard-test.el ends here
