;;; sluice-watch-test.el --- Tests of sluice-watch.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)

(defun sluice-watch-test-subscribed ()
  "Return the topics that the stand-in was asked for, in order."
  (plist-get (fake-daemon-seen) :subscribed))

(ert-deftest sluice-watch-test-topics ()
  "The daemon is told a topic once, and to stop when nobody watches it any more."
  (fake-daemon-with
    (sluice-connection)
    (sluice-watch 'a #'ignore "queue")
    (sluice-watch 'b #'ignore "queue" "limits")
    (sluice-watch 'b #'ignore "queue" "limits")
    (should (= 2 (length (sluice-watch-test-subscribed))))
    (sluice-unwatch 'b)
    (fake-daemon-until (equal '(nil ("queue")) (last (sluice-watch-test-subscribed) 2)))
    (sluice-unwatch 'b)
    (should (sluice-watch-p 'a))
    (sluice-unwatch 'a)
    (should-not sluice--subscribed)
    (should-not sluice-connection-functions)
    (fake-daemon-until (equal '(nil) (last (sluice-watch-test-subscribed))))
    (should (= 5 (length (sluice-watch-test-subscribed))))))

(ert-deftest sluice-watch-test-news ()
  "Each watcher hears of its topics, also when another one fails."
  (fake-daemon-with
    (sluice-connection)
    (let ((heard nil))
      (sluice-watch 'a (lambda (topic params) (push (cons topic params) heard)) "queue")
      (sluice-watch 'b (lambda (&rest _) (error "Broken")) "queue" "limits")
      (let ((shown (fake-daemon-messages
                     (fake-daemon-set :queue [(:id "c1")] :tell "queue")
                     (fake-daemon-set :pools [] :tell "limits")
                     (fake-daemon-until heard))))
        (should (member "Sluice: Broken" shown)))
      (should (equal '((queue :queue ((:id "c1")))) heard)))))

(ert-deftest sluice-watch-test-coming-and-going ()
  "A watcher hears that the daemon has gone, and that it is back."
  (fake-daemon-with
    (sluice-connection)
    (let ((sluice--retry-delays '(0.02)) (heard nil))
      (sluice-watch 'a (lambda (topic params) (push (cons topic params) heard)) "queue")
      (fake-daemon-messages
        (fake-daemon-kill)
        (fake-daemon-until (equal '((there)) heard))
        (fake-daemon-start)
        (fake-daemon-until (equal '((there . t) (there)) heard)))
      (should (equal '(("queue")) (sluice-watch-test-subscribed))))))

(ert-deftest sluice-watch-test-a-daemon-that-is-to-come ()
  "Who watches before the daemon is there hears of it when it comes."
  (fake-daemon-without
    (let ((sluice--retry-delays '(0.02)) (heard nil))
      (sluice-watch 'a (lambda (topic params) (push (cons topic params) heard)) "queue")
      (should sluice--retry)
      (fake-daemon-start)
      (fake-daemon-until (equal '((there . t)) heard))
      (should-not sluice--retry))))

(ert-deftest sluice-watch-test-subscription-survives-a-restart ()
  "Who listens is connected again after a restart, with one message in all.
It says what to do."
  (fake-daemon-with
    (let ((sluice--retry-delays '(0.02 0.05)) (sluice-watch--patience-s 0) (sluice--gone-told 0))
      (sluice-connection)
      (sluice-subscribe "queue" "errors")
      (let ((shown (fake-daemon-messages
                     (fake-daemon-kill)
                     (fake-daemon-until (and sluice--retry (not sluice--connection)))
                     ;; Some attempts in vain.
                     (fake-daemon-until (equal '(0.05) (cdr sluice--retry)))
                     (fake-daemon-start)
                     (fake-daemon-until sluice--connection))))
        (should (string-match-p "gone away.*M-x sluice-start" (car shown)))
        (should (equal 1 (length shown)))
        (should-not sluice--retry)
        (should (member '("queue" "errors") (plist-get (fake-daemon-seen) :subscribed)))
        (sluice-unsubscribe "queue" "errors")
        (should-not sluice--subscribed)))))

(ert-deftest sluice-watch-test-replaced ()
  "A daemon whose place another one takes at once is not mourned."
  (fake-daemon-with
    (let ((sluice--retry-delays '(0.02)) (sluice-watch--patience-s 100))
      (sluice-connection)
      (sluice-subscribe "queue")
      (should-not (fake-daemon-messages
                    (fake-daemon-kill)
                    (fake-daemon-until sluice-watch--mourning)
                    (fake-daemon-start)
                    (fake-daemon-until sluice--connection)))
      (should-not sluice-watch--mourning)
      (sluice-unsubscribe "queue"))))

(ert-deftest sluice-watch-test-more-important-message ()
  "What a call says that failed of it is not followed by the same news without it."
  (fake-daemon-with
    (let ((sluice--retry-delays '(0.02)) (sluice-watch--patience-s 0) (sluice--gone-told 0)
          (sluice-model "dies"))
      (with-temp-buffer
        (insert "Hello")
        (sluice-connection)
        (sluice-subscribe "queue")
        (let ((shown (fake-daemon-messages
                       (sluice-send)
                       (fake-daemon-until (and sluice--retry (not sluice-watch--mourning))))))
          (should (string-match-p "gone away; the answer is not complete" (car (last shown)))))
        (sluice-unsubscribe "queue")))))

(ert-deftest sluice-watch-test-disconnected ()
  "Who watches hears that this Emacs has left the daemon; it is not looked for, nor mourned."
  (fake-daemon-with
    (sluice-connection)
    (let ((heard nil))
      (sluice-watch 'a (lambda (topic params) (push (cons topic params) heard)) "queue")
      (should-not (fake-daemon-messages (sluice-disconnect)))
      (should (equal '((left)) heard))
      (should-not sluice--retry)
      (sluice-connection)
      (should (equal '((there . t) (left)) heard))
      (fake-daemon-until (equal '(("queue") ("queue")) (sluice-watch-test-subscribed))))))

(ert-deftest sluice-watch-test-no-retry-without-a-listener ()
  "When nobody listens, a daemon that goes away is not looked for, nor told."
  (fake-daemon-with
    (let* ((conn (sluice-connection))
           (shown (fake-daemon-messages
                    (fake-daemon-kill)
                    (fake-daemon-until (not (sluice-rpc-live-p conn))))))
      (should-not sluice--retry)
      (should-not shown))))

;; The daemon that hangs.

(ert-deftest sluice-watch-test-a-daemon-that-hangs ()
  "Who watches a daemon that hangs never holds up Emacs: it is greeted once, its
silence is told once, however often it is looked for, and its late answer counts."
  (fake-daemon-with
    (let ((sluice--retry-delays '(0.01)) (sluice-timeout 0.2) (looked 0) (heard nil) (shown nil))
      (fake-daemon-stop)
      (cl-letf* ((look (symbol-function 'sluice--retry-now))
                 ((symbol-function 'sluice--retry-now)
                  (lambda () (cl-incf looked) (funcall look)))
                 ((symbol-function 'sluice-rpc-call)
                  (lambda (&rest _) (ert-fail "Emacs waits for the daemon")))
                 ((symbol-function 'sluice--await-greeting)
                  (lambda (&rest _) (ert-fail "Emacs waits for the greeting"))))
        (fake-daemon-catching shown
          (sluice-watch 'a (lambda (topic params) (push (cons topic params) heard)) "queue")
          (fake-daemon-until shown)
          (setq looked 0)
          (fake-daemon-until (> looked 5))
          (should (equal 1 (length shown)))
          (should (string-match-p "does not answer.*M-x sluice-start" (car shown)))
          (fake-daemon-continue)
          (fake-daemon-until (equal '((there . t)) heard))))
      (should-not sluice--retry)
      (should (equal 1 (length (plist-get (fake-daemon-seen) :greetings)))))))

(ert-deftest sluice-watch-test-a-daemon-that-hangs-and-dies ()
  "A daemon that hung and was killed is looked for again, and its successor is found."
  (fake-daemon-with
    (let ((sluice--retry-delays '(0.02)) (sluice-timeout 0.05) (heard nil))
      (fake-daemon-stop)
      (fake-daemon-messages
        (sluice-watch 'a (lambda (topic params) (push (cons topic params) heard)) "queue")
        (fake-daemon-until (sluice-silent-p))
        (fake-daemon-kill)
        (fake-daemon-start)
        (fake-daemon-until (equal '((there . t)) heard))))))

(provide 'sluice-watch-test)
;;; sluice-watch-test.el ends here
