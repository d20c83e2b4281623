;;; sluice-rpc-test.el --- Tests of sluice-rpc.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)

(defmacro sluice-rpc-test-with (conn &rest body)
  "Run BODY with CONN bound to a bare connection to the stand-in."
  (declare (indent 1) (debug t))
  `(fake-daemon-with
     (let ((,conn (sluice-rpc-open (fake-daemon-socket))))
       (unwind-protect (progn ,@body)
         (sluice-rpc-close ,conn)))))

(defvar sluice-rpc-test-began nil "Notifications whose handling began, newest first.")
(defvar sluice-rpc-test-ended nil "Notifications whose handling ended, newest first.")
(defvar sluice-rpc-test-do #'ignore "What the handler of the tests does with a number.")

(cl-defmethod sluice-rpc-notify ((_method (eql 'tick)) params)
  "Note that PARAMS came."
  (let ((n (plist-get params :n)))
    (push n sluice-rpc-test-began)
    (funcall sluice-rpc-test-do n)
    (push n sluice-rpc-test-ended)))

(cl-defmethod sluice-rpc-answer ((_method (eql 'double)) params)
  "Answer the daemon with twice what is in PARAMS."
  (list :twice (* 2 (plist-get params :x))))

(ert-deftest sluice-rpc-test-texts-come-back ()
  "Every script, control characters and JSON's own signs arrive unchanged."
  (sluice-rpc-test-with conn
    (dolist (text '("plain" "" "한국어 안녕" "中文" "שלום עולם" "🙂👩‍👩‍👧" "a\nb\tc\r\"\\" "\x01\x1f\x7f" "ı İ é"))
      (should (equal text (plist-get (sluice-rpc-call conn "echo" (list :x text)) :x))))))

(ert-deftest sluice-rpc-test-values-come-back ()
  "Numbers, lists, nested plists, true, false and null survive."
  (sluice-rpc-test-with conn
    (should (equal '(:n 3 :f 1.5 :l ("a" (:b 2)) :t t :no nil :nothing nil)
                   (sluice-rpc-call conn "echo"
                                    '(:n 3 :f 1.5 :l ["a" (:b 2)] :t t
                                      :no :json-false :nothing nil))))
    (should (equal nil (sluice-rpc-call conn "echo")))))

(ert-deftest sluice-rpc-test-raw-bytes ()
  "Bytes that are no text and lone surrogates become U+FFFD; nothing signals."
  (sluice-rpc-test-with conn
    (dolist (case `((,(concat "a" (string (unibyte-char-to-multibyte #xff)) "b") . "a\ufffdb")
                    (,(unibyte-string ?a #xe9 ?b) . "a\ufffdb")
                    (,(encode-coding-string "한" 'utf-8) . "한")
                    (,(concat "x" (string #xd83d) "y") . "x\ufffdy")))
      (should (equal (cdr case)
                     (plist-get (sluice-rpc-call conn "echo" (list :x (car case))) :x))))))

(ert-deftest sluice-rpc-test-megabytes ()
  "A text of several megabytes, read in many pieces, arrives unchanged."
  (sluice-rpc-test-with conn
    (let ((text (apply #'concat (make-list 100000 "가나다 abc 🙂 \"\\\n"))))
      (should (equal text (plist-get (sluice-rpc-call conn "echo" (list :x text) 30) :x))))))

(ert-deftest sluice-rpc-test-order-under-stress ()
  "Handlers that wait for answers of their own lose no message and change no order."
  (sluice-rpc-test-with conn
    (dotimes (_round 40)
      (let* ((sluice-rpc-test-began nil) (sluice-rpc-test-ended nil) (done nil) (pings 0)
             (sluice-rpc-test-do
              (lambda (n)
                (when (zerop (% n 17))
                  (should (equal n (plist-get (sluice-rpc-call conn "echo" (list :x n)) :x)))
                  (cl-incf pings)))))
        (sluice-rpc-request conn "burst" '(:n 200)
                            :success (lambda (result) (setq done result)))
        (fake-daemon-until done)
        (should (equal '(:sent 200) done))
        (should (equal 12 pings))
        (should (equal (number-sequence 0 199) (reverse sluice-rpc-test-began)))
        ;; No handler begins before the one before it has ended.
        (should (equal (number-sequence 0 199) (reverse sluice-rpc-test-ended)))))))

(ert-deftest sluice-rpc-test-sync-call-during-a-stream ()
  "A call from outside of handlers, made while notifications come, gets its answer."
  (sluice-rpc-test-with conn
    (let ((sluice-rpc-test-began nil) (done nil))
      (sluice-rpc-request conn "burst" '(:n 3000)
                          :success (lambda (_) (setq done t)))
      (dotimes (n 10)
        (should (equal n (plist-get (sluice-rpc-call conn "echo" (list :x n)) :x))))
      (fake-daemon-until done)
      (should (equal (number-sequence 0 2999) (reverse sluice-rpc-test-began))))))

(ert-deftest sluice-rpc-test-a-handler-that-fails ()
  "An error in a handler is told and does not stop the messages behind it."
  (sluice-rpc-test-with conn
    (let* ((sluice-rpc-test-began nil) (done nil)
           (sluice-rpc-test-do (lambda (n) (when (= n 3) (error "Broken handler"))))
           (shown (fake-daemon-messages
                    (sluice-rpc-request conn "burst" '(:n 10) :success (lambda (_) (setq done t)))
                    (fake-daemon-until done))))
      (should (equal (number-sequence 0 9) (reverse sluice-rpc-test-began)))
      (should (cl-some (lambda (text) (string-search "Broken handler" text)) shown)))))

(ert-deftest sluice-rpc-test-a-handler-that-throws ()
  "A handler that leaves by `throw' does not hold up the messages behind it."
  (sluice-rpc-test-with conn
    (let* ((sluice-rpc-test-began nil) (done nil)
           (sluice-rpc-test-do (lambda (n) (when (= n 3) (throw 'away t)))))
      (sluice-rpc-request conn "burst" '(:n 10) :success (lambda (_) (setq done t)))
      (catch 'away (fake-daemon-until (memq 3 sluice-rpc-test-began)))
      (fake-daemon-until done)
      (should (equal (number-sequence 0 9) (reverse sluice-rpc-test-began))))))

(ert-deftest sluice-rpc-test-errors ()
  "What the daemon refuses is an error with message, code and data."
  (sluice-rpc-test-with conn
    (should (equal '(sluice-rpc-error "This was refused." -32000 (:why "test"))
                   (should-error (sluice-rpc-call conn "fail") :type 'sluice-rpc-error)))
    (should (equal -32601 (nth 2 (should-error (sluice-rpc-call conn "no_such_thing")))))))

(ert-deftest sluice-rpc-test-asynchronous ()
  "Of the two functions of a request just one is called, once."
  (sluice-rpc-test-with conn
    (let ((said nil))
      (sluice-rpc-request conn "echo" '(:x 1) :success (lambda (r) (push r said))
                          :error (lambda (e) (push (list 'no e) said)))
      (sluice-rpc-request conn "fail" nil :success (lambda (r) (push r said))
                          :error (lambda (e) (push (plist-get e :message) said)))
      (fake-daemon-until (= 2 (length said)))
      (sluice-rpc-call conn "echo")
      (should (equal '("This was refused." (:x 1)) said))
      (should (zerop (hash-table-count (sluice-rpc-pending conn)))))))

(ert-deftest sluice-rpc-test-timeout ()
  "After a timeout the daemon is told, and the connection goes on working."
  (sluice-rpc-test-with conn
    (should-error (sluice-rpc-call conn "stall" nil 0.1) :type 'sluice-rpc-timeout)
    (should (zerop (hash-table-count (sluice-rpc-pending conn))))
    (should (equal 1 (length (plist-get (sluice-rpc-call conn "seen") :cancelled))))))

(ert-deftest sluice-rpc-test-keyboard-quit ()
  "Quitting a call ends it at once, and the daemon is told."
  (sluice-rpc-test-with conn
    (let ((quit nil) (began (float-time)))
      ;; What the keyboard does on C-g.
      (run-at-time 0.1 nil (lambda () (setq quit-flag t)))
      (condition-case nil
          (sluice-rpc-call conn "stall" nil 30)
        (quit (setq quit t)))
      (should quit)
      (should (< (- (float-time) began) 10))
      (should (equal 1 (length (plist-get (sluice-rpc-call conn "seen") :cancelled)))))))

(ert-deftest sluice-rpc-test-cancel ()
  "A cancelled request ends with its error function and the code for that."
  (sluice-rpc-test-with conn
    (let* ((code nil)
           (id (sluice-rpc-request conn "stall" nil
                                   :error (lambda (e) (setq code (plist-get e :code))))))
      (should (integerp id))
      (sluice-rpc-cancel conn id)
      (fake-daemon-until code)
      (should (equal sluice-rpc-cancelled-code code))
      (should (equal (list id) (plist-get (sluice-rpc-call conn "seen") :cancelled))))))

(ert-deftest sluice-rpc-test-killed-daemon ()
  "When the daemon is killed, all that wait are told at once, each of them once."
  (sluice-rpc-test-with conn
    (let ((codes nil) (deaths 0))
      (setf (sluice-rpc-on-death conn) (lambda (_) (cl-incf deaths)))
      (dotimes (_ 5)
        (sluice-rpc-request conn "stall" nil
                            :error (lambda (e) (push (plist-get e :code) codes))))
      (should-error (sluice-rpc-call conn "die" nil 30) :type 'sluice-rpc-died)
      (fake-daemon-until (= 5 (length codes)))
      (should (equal (make-list 5 sluice-rpc-died-code) codes))
      (should (equal 1 deaths))
      (should-not (sluice-rpc-live-p conn)))))

(ert-deftest sluice-rpc-test-killed-daemon-inside-a-handler ()
  "A handler that waits for an answer when the daemon is killed gets its error too."
  (sluice-rpc-test-with conn
    (let* ((told nil) (outer nil)
           (sluice-rpc-test-do
            (lambda (n)
              (when (= n 2)
                (condition-case err (sluice-rpc-call conn "die" nil 30)
                  (sluice-rpc-died (setq told err)))))))
      (sluice-rpc-request conn "burst" '(:n 5))
      (sluice-rpc-request conn "stall" nil :error (lambda (e) (setq outer e)))
      (fake-daemon-until (and told outer)))))

(ert-deftest sluice-rpc-test-request-on-a-lost-connection ()
  "A request made after the end gets its error instead of waiting for ever."
  (sluice-rpc-test-with conn
    (fake-daemon-kill)
    (fake-daemon-until (not (sluice-rpc-live-p conn)))
    (let ((told nil))
      (sluice-rpc-request conn "echo" nil :error (lambda (e) (setq told e)))
      (should told))
    (should-error (sluice-rpc-call conn "echo") :type 'sluice-rpc-died)))

(ert-deftest sluice-rpc-test-unreadable-answer ()
  "An answer that is no JSON fails its own request and no other."
  (sluice-rpc-test-with conn
    (fake-daemon-messages
      (should (string-search "could not be read"
                             (nth 1 (should-error (sluice-rpc-call conn "garbage"))))))
    (should (equal '(:x 1) (sluice-rpc-call conn "echo" '(:x 1))))))

(ert-deftest sluice-rpc-test-unknown-notification ()
  "A notification of a newer daemon is ignored."
  (should-not (sluice-rpc-notify 'from-the-future '(:x 1))))

(ert-deftest sluice-rpc-test-daemon-asks ()
  "The daemon's own requests are answered, unknown ones with the code for that."
  (sluice-rpc-test-with conn
    (should (equal '(:twice 14)
                   (plist-get (sluice-rpc-call conn "ask" '(:method "double")) :result)))
    (should (equal -32601
                   (plist-get (plist-get (sluice-rpc-call conn "ask" '(:method "nonsense"))
                                         :error)
                              :code)))))

(ert-deftest sluice-rpc-test-nobody-listens ()
  "Without a daemon, and with a socket that is left over, opening is a file error."
  (fake-daemon-without
    (should-error (sluice-rpc-open (fake-daemon-socket)) :type 'file-error))
  (fake-daemon-with
    (fake-daemon-kill)
    (should (file-exists-p (fake-daemon-socket)))
    (should-error (sluice-rpc-open (fake-daemon-socket)) :type 'file-error)))

(provide 'sluice-rpc-test)
;;; sluice-rpc-test.el ends here
