;;; sluice-chat-test.el --- Tests of sluice-chat.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'wid-edit)

(defmacro sluice-chat-test-with (text model &rest body)
  "Run BODY with the stand-in in a buffer with TEXT, point at its end, and MODEL."
  (declare (indent 2) (debug t))
  `(fake-daemon-with
     (with-temp-buffer
       (buffer-enable-undo)
       (transient-mark-mode 1)
       (insert ,text)
       (undo-boundary)
       (let ((sluice-model ,model)) ,@body))))

(defun sluice-chat-test-idle-p ()
  "Return non-nil if no answer is on its way."
  (zerop (hash-table-count sluice-chat--live)))

(defmacro sluice-chat-test-send-and-wait ()
  "Send, wait for the end and return the messages that were shown."
  `(fake-daemon-messages
     (sluice-send)
     (fake-daemon-until (sluice-chat-test-idle-p))))

(ert-deftest sluice-chat-test-paragraph ()
  "The paragraph at point is sent, and its answer streams in behind it."
  (sluice-chat-test-with "First.\n\n안녕 🙂 friend,\nhow are you?\n\nLast." "echo"
    (goto-char (point-min))
    (search-forward "friend")
    (let ((shown (sluice-chat-test-send-and-wait)))
      (should (equal (concat "First.\n\n안녕 🙂 friend,\nhow are you?\n\n"
                             "안녕 🙂 friend,\nhow are you?\n\nLast.")
                     (buffer-string)))
      (should (string-match-p "Sent to echo" (car shown)))
      (should (equal "m has answered (12 + 34 tokens)" (cadr shown)))
      (should (equal "c-77" sluice-call)))
    (should (equal '("First.\n\n안녕 🙂 friend,\nhow are you?\n\nLast.")
                   (progn (undo-boundary) (let ((inhibit-message t)) (undo))
                          (list (buffer-string)))))))

(ert-deftest sluice-chat-test-region ()
  "An active region is what is sent."
  (sluice-chat-test-with "one two three" "echo"
    (goto-char 5)
    (push-mark 8 t t)
    (sluice-chat-test-send-and-wait)
    (should (equal "one two\n\ntwo three" (buffer-string)))))

(ert-deftest sluice-chat-test-parameters ()
  "What goes to the daemon: host, model, one message, the key, and nothing invented."
  (sluice-chat-test-with "Hello" "whole"
    (let ((sluice-host "api.example.org") (sluice-system-prompt "Be brief.")
          (sluice-max-tokens 9) (sluice-temperature 0.5) (sluice-language "ko")
          (sluice-key (lambda (host) (concat "CANARY-" host))))
      (sluice-chat-test-send-and-wait))
    (let ((params (car (plist-get (fake-daemon-seen) :chats))))
      (should (integerp (plist-get params :tag)))
      (pcase-dolist (`(,name ,value)
                     '((:host "api.example.org") (:model "whole") (:system "Be brief.")
                       (:messages ((:role "user" :content "Hello")))
                       (:max_tokens 9) (:temperature 0.5) (:language "ko") (:stream t)
                       (:key "CANARY-api.example.org") (:priority "interactive")
                       (:client "emacs")))
        (should (equal value (plist-get params name)))))))

(ert-deftest sluice-chat-test-key-from-auth-source ()
  "The key is found where gptel has it, also for a host with a port."
  (let* ((file (make-temp-file "authinfo" nil nil
                               "machine api.example.org login apikey password CANARY-1\n"))
         (auth-sources (list file)) (auth-source-do-cache nil))
    (unwind-protect
        (progn
          (should (equal "CANARY-1" (sluice-key-from-auth-source "api.example.org")))
          (should (equal "CANARY-1" (sluice-key-from-auth-source "api.example.org:8443")))
          (should-not (sluice-key-from-auth-source "other.example.org")))
      (auth-source-forget-all-cached)
      (delete-file file))))

(ert-deftest sluice-chat-test-key-as-a-text ()
  "A key that is a text goes to the daemon as it is, and is never shown."
  (sluice-chat-test-with "Hello" "whole"
    (let* ((sluice-key "CANARY-text") (shown (sluice-chat-test-send-and-wait)))
      (should (equal "CANARY-text"
                     (plist-get (car (plist-get (fake-daemon-seen) :chats)) :key)))
      (should-not (string-search "CANARY" (format "%s" shown)))))
  (let ((type (get 'sluice-key 'custom-type)))
    (pcase-dolist (`(,value . ,fits) '((nil . t) (ignore . t) ("CANARY-text" . t) (7 . nil)))
      (should (eq fits (and (widget-apply (widget-convert type) :match value) t))))))

(ert-deftest sluice-chat-test-key-not-unlocked ()
  "Who quits when asked to unlock the key has sent nothing, and waits for nothing.
So it is when the key cannot be read."
  (dolist (place '(here buffer))
    (sluice-chat-test-with "Hello" "whole"
      (dolist (problem '(quit error))
        (let ((sluice-key (lambda (_) (signal problem '("Locked"))))
              (sluice-answer-place place))
          (should (eq problem (condition-case err (sluice-send)
                                ((quit error) (car err)))))))
      (should (sluice-chat-test-idle-p))
      (should-not sluice-live-mode)
      (should-not (get-buffer "*Sluice answer*"))
      (should-not (overlays-in (point-min) (point-max)))
      (should (equal "Hello" (buffer-string)))
      (should-not (plist-get (fake-daemon-seen) :chats)))))

(ert-deftest sluice-chat-test-answer-in-one-piece ()
  "An answer without pieces is inserted at its end; a cut at the limit is told."
  (sluice-chat-test-with "Hello" "whole"
    (let ((shown (sluice-chat-test-send-and-wait)))
      (should (equal "Hello\n\nAll at once." (buffer-string)))
      (should (string-match-p "stopped at the token limit" (cadr shown))))))

(ert-deftest sluice-chat-test-nothing-to-send ()
  "An empty buffer is an error that says what to do."
  (sluice-chat-test-with "  \n\n " "echo"
    (should-error (sluice-send) :type 'user-error)
    (should (sluice-chat-test-idle-p))))

(ert-deftest sluice-chat-test-failure ()
  "A failure shows the daemon's one line, writes nothing, and is remembered."
  (sluice-chat-test-with "Hello" "fails"
    (let ((shown (sluice-chat-test-send-and-wait)))
      (should (string-match-p "no credit left.*  M-x sluice-explain-last explains it\\'"
                              (cadr shown)))
      (should (equal "Hello" (buffer-string)))
      (should (equal "c-66" sluice-failed-call)))
    (with-temp-buffer (should (equal "c-66" (sluice-explain--last-call))))))

(ert-deftest sluice-chat-test-failure-names-the-key ()
  "The line in the echo area names the key that explains the failure, also one without a call."
  (sluice-chat-test-with "Hello" "refused"
    (use-local-map (make-sparse-keymap))
    (local-set-key (kbd "C-c g") sluice-command-map)
    (let ((shown (sluice-chat-test-send-and-wait)))
      (should (equal "There is no such host.  C-c g e explains it" (car (last shown)))))
    (save-current-buffer (save-window-excursion (call-interactively (key-binding (kbd "C-c g e")))))
    (should (string-match-p "\\`Sluice has not taken this call\n\\(?:.\\|\n\\)*There is no such host"
                            (with-current-buffer "*Sluice explain*" (buffer-string))))))

(ert-deftest sluice-chat-test-waiting ()
  "While it waits, place, time and reason stand where the answer will be."
  (sluice-chat-test-with "Hello" "waits"
    (sluice-send)
    (let ((overlay (fake-daemon-until (car (overlays-in (point-min) (point-max))))))
      (should (string-match-p
               "\\[waits, number 2 in line · goes in 1:0[45] · requests per minute used up\\]"
               (overlay-get overlay 'after-string)))
      (should (timerp sluice-chat--clock))
      (should (fake-daemon-note-follows-p " there"))
      (sluice-abort)
      (should-not (overlays-in (point-min) (point-max)))
      (should (equal "Hello there" (buffer-string)))
      ;; The clock stops by itself when nothing waits.
      (sluice-chat--tick-all)
      (should-not sluice-chat--clock)
      (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled)))))

(ert-deftest sluice-chat-test-state-text ()
  "The words for a state; none for a call that does not wait."
  (pcase-dolist (`(,state . ,text)
                 '(((:state "sent") . nil)
                   ((:place 1) . "waits, next in line")
                   ((:place 3 :eta_at 161.2 :reason "") . "waits, number 3 in line · goes in 1:02")
                   ((:state "held" :eta_at 101) . "waits to be sent again · goes in 0:01")
                   ((:eta_at 90 :reason "provider busy") . "waits · provider busy")))
    (should (equal text (sluice-chat--state-text state 100)))))

(ert-deftest sluice-chat-test-abort ()
  "Aborting stops the text at once and tells the daemon; what came stays."
  (sluice-chat-test-with "Hello" "forever"
    (sluice-send)
    (fake-daemon-until (string-search "word5" (buffer-string)))
    (let ((shown (fake-daemon-messages (sluice-abort))) (text (buffer-string)))
      (should (equal '("Stopped") shown))
      (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled))
      (should (equal text (buffer-string)))
      (should-error (sluice-abort) :type 'user-error))))

(ert-deftest sluice-chat-test-abort-which ()
  "Aborting takes the answer at point, else the newest; with a prefix all."
  (sluice-chat-test-with "One.\n\nTwo.\n\nThree." "forever"
    (let (chats)
      (dolist (word '("One" "Two" "Three"))
        (goto-char (point-min))
        (search-forward (concat word "."))
        (push (sluice-chat-send word (point)) chats))
      (goto-char (point-min))
      (pcase-let ((`(,three ,two ,one) chats))
        (sluice-abort)
        (should-not (gethash (sluice-chat-id three) sluice-chat--live))
        (goto-char (sluice-answer-end (sluice-chat-answer one)))
        (sluice-abort)
        (should-not (gethash (sluice-chat-id one) sluice-chat--live))
        (should (gethash (sluice-chat-id two) sluice-chat--live))
        (sluice-abort t)
        (should (sluice-chat-test-idle-p))))))

(ert-deftest sluice-chat-test-quit ()
  "In a buffer with a live answer \\[keyboard-quit] stops it; then it quits as ever.
With an active region it first only gives that up."
  (sluice-chat-test-with "Hello" "forever"
    (fake-daemon-messages
      (sluice-send)
      (fake-daemon-until (string-search "word5" (buffer-string)))
      (should (eq 'sluice-quit (key-binding (kbd "C-g")))))
    (let ((transient-mark-mode t))
      (push-mark (point-min) t t)
      (should (eq 'quit (condition-case nil (sluice-quit) (quit 'quit))))
      (should-not (region-active-p))
      (should-not (sluice-chat-test-idle-p)))
    (let ((shown (fake-daemon-messages (call-interactively (key-binding (kbd "C-g"))))))
      (should (equal '("Stopped") shown)))
    (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled))
    (should (sluice-chat-test-idle-p))
    (should-not sluice-live-mode)
    (should (eq 'keyboard-quit (key-binding (kbd "C-g"))))
    (should (eq 'quit (condition-case nil (sluice-quit) (quit 'quit))))))

(ert-deftest sluice-chat-test-lighter ()
  "The mode line of the buffer says how the answer stands."
  (sluice-chat-test-with "Hello" "waits"
    (fake-daemon-messages
      (sluice-send)
      (should (equal " sent" (sluice-chat--lighter)))
      (fake-daemon-until (string-match-p "\\` waits 1:0[45]" (sluice-chat--lighter)))
      (sluice-abort)
      (should-not (sluice-chat--lighter))
      (let ((sluice-model "forever"))
        (sluice-send)
        (fake-daemon-until (equal " writes" (sluice-chat--lighter)))
        (fake-daemon-until (string-match-p "\\` writes 1\\.[0-9]k" (sluice-chat--lighter)))
        (sluice-abort)))))

(ert-deftest sluice-chat-test-undo-of-a-part ()
  "An undo that hits only the newest part of an answer stops it as well, and says so."
  (sluice-chat-test-with "Hello" "forever"
    (let ((shown (fake-daemon-messages
                   (sluice-send)
                   (fake-daemon-until (string-search "word5" (buffer-string)))
                   (undo-boundary)
                   (save-excursion (goto-char (point-min)) (insert "Mine. "))
                   (undo-boundary)
                   (fake-daemon-until (string-search "word15" (buffer-string)))
                   (undo-boundary)
                   (undo)
                   (fake-daemon-until (sluice-chat-test-idle-p)))))
      (should (cl-some (lambda (text) (string-search "so it was stopped" text)) shown))
      (should (string-match-p "\\`Mine\\. Hello\n\nword0 .*word5" (buffer-string)))
      (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled)))))

(ert-deftest sluice-chat-test-read-only-in-the-middle ()
  "A buffer that becomes read-only in the middle is left alone; nothing is lost."
  (sluice-chat-test-with "Hello" "forever"
    (let (kept)
      (fake-daemon-messages
        (sluice-send)
        (fake-daemon-until (string-search "word5" (buffer-string)))
        (setq buffer-read-only t kept (buffer-string))
        (with-current-buffer
            (fake-daemon-until (get-buffer "*Sluice answer*"))
          (fake-daemon-until (string-search "word20" (buffer-string)))
          (should (string-match-p "\\`\n*word0 word1 .*word19 word20" (buffer-string)))
          (sluice-abort)))
      (should (equal kept (buffer-string))))))

(ert-deftest sluice-chat-test-eight-megabytes ()
  "An answer of eight megabytes in many scripts arrives whole."
  (sluice-chat-test-with "Hello" "big"
    (fake-daemon-messages
      (sluice-send)
      (fake-daemon-until (sluice-chat-test-idle-p) 90))
    (let ((piece "한국어 中文 🙂 שלום "))
      (should (< 8000000 (string-bytes (buffer-string))))
      (goto-char (point-min))
      (should (search-forward "Hello\n\n"))
      (should (zerop (% (- (point-max) (point)) (length piece))))
      (should (looking-at-p (regexp-quote piece)))
      (goto-char (point-max))
      (should (looking-back (regexp-quote piece) (- (point) 40)))
      (undo-boundary)
      (let ((inhibit-message t)) (undo))
      (should (equal "Hello" (buffer-string))))))

(ert-deftest sluice-chat-test-undo-in-the-middle ()
  "Who undoes an answer that still comes stops it."
  (sluice-chat-test-with "Hello" "forever"
    (sluice-send)
    (fake-daemon-until (string-search "word5" (buffer-string)))
    (let ((shown (fake-daemon-messages
                   (undo-boundary)
                   (undo)
                   (fake-daemon-until (sluice-chat-test-idle-p)))))
      (should (cl-some (lambda (text) (string-search "so it was stopped" text)) shown))
      (should (equal "Hello" (buffer-string)))
      (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled)))))

(ert-deftest sluice-chat-test-killed-buffer ()
  "An answer whose buffer is killed is written to a buffer of its own, whole."
  (sluice-chat-test-with (string-join (make-list 400 "word ")) "echo"
    (let ((buffer (generate-new-buffer "killed")) (text (string-trim (buffer-string))))
      (with-current-buffer buffer
        (insert text)
        (sluice-chat-send text (point)))
      (fake-daemon-until (> (buffer-size buffer) (+ 10 (length text))))
      (kill-buffer buffer)
      (fake-daemon-until (sluice-chat-test-idle-p))
      (should (equal text (with-current-buffer "*Sluice answer*"
                            (string-trim (buffer-string))))))))

(ert-deftest sluice-chat-test-killed-daemon ()
  "If the daemon is killed in the middle, it is said, and what came stays."
  (sluice-chat-test-with "Hello" "dies"
    (let ((shown (sluice-chat-test-send-and-wait)))
      (should (equal "Hello\n\nhalf an " (buffer-string)))
      (should (string-match-p "gone away; the answer is not complete.*Send again"
                              (car (last shown))))
      (save-current-buffer (save-window-excursion (sluice-explain-last)))
      (should (string-prefix-p "The Sluice daemon was stopped while this call ran"
                               (with-current-buffer "*Sluice explain*" (buffer-string)))))))

(ert-deftest sluice-chat-test-refusal-is-explained ()
  "After a refusal of Emacs itself, it is this one that is explained, not an older failure."
  (fake-daemon-without
    (with-temp-buffer
      (insert "Hello")
      (sluice-note-failure "c-old" (current-buffer))
      (should-error (sluice-send) :type 'user-error)
      (save-current-buffer (save-window-excursion (sluice-explain-last)))
      (should (string-match-p "\\`Sluice is not running\n\\(?:.\\|\n\\)*nothing was sent"
                              (with-current-buffer "*Sluice explain*" (buffer-string)))))))

(ert-deftest sluice-chat-test-disconnected ()
  "Who disconnects stops the answers, and is not told that the daemon has gone away."
  (sluice-chat-test-with "Hello" "forever"
    (let ((shown (fake-daemon-messages
                   (sluice-send)
                   (fake-daemon-until (string-search "word5" (buffer-string)))
                   (sluice-disconnect))))
      (should (sluice-chat-test-idle-p))
      (should (string-match-p "\\`You have disconnected.*so this answer was stopped.*Send again"
                              (car (last shown))))
      (should-not sluice-failed-call))))

(ert-deftest sluice-chat-test-killed-answer ()
  "Killing the buffer of answers stops what is written there, also what waits; it does not come back."
  (dolist (sluice-model-here '("forever" "waits"))
    (sluice-chat-test-with "Mine." sluice-model-here
      (let ((shown (fake-daemon-messages
                     (sluice-prompt "What?")
                     (fake-daemon-until (or (cl-some #'sluice-chat-state (hash-table-values sluice-chat--live))
                                            (string-search "word5" (with-current-buffer "*Sluice answer*"
                                                                     (buffer-string)))))
                     (kill-buffer "*Sluice answer*"))))
        (should (string-search "so it was stopped" (car (last shown))))
        (should (sluice-chat-test-idle-p))
        (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled))
        (should-not (get-buffer "*Sluice answer*"))))))

(ert-deftest sluice-chat-test-two-at-once ()
  "Two answers to one buffer do not mix."
  (sluice-chat-test-with "abcdefghij\n\n0123456789\n\n" "echo"
    (sluice-chat-send (make-string 300 ?a) 11)
    (sluice-chat-send (make-string 300 ?0) 23)
    (fake-daemon-until (sluice-chat-test-idle-p))
    (should (equal (concat "abcdefghij\n\n" (make-string 300 ?a) "\n\n0123456789\n\n"
                           (make-string 300 ?0) "\n\n")
                   (buffer-string)))))

(defvar sluice-chat-test-longest 0 "The longest time in the filter, in seconds.")

(defun sluice-chat-test-time (filter &rest arguments)
  "Call FILTER with ARGUMENTS and note what it took of the processor.
Garbage collection does not count, nor what other programs take meanwhile."
  (let ((began (- (float-time (get-internal-run-time)) gc-elapsed)))
    (prog1 (apply filter arguments)
      (setq sluice-chat-test-longest
            (max sluice-chat-test-longest
                 (- (float-time (get-internal-run-time)) gc-elapsed began))))))

(defun sluice-chat-test-longest-go (text)
  "Have TEXT come in pieces behind \"Hello\", and undone; return the longest go."
  (sluice-chat-test-with "Hello" "echo"
    (setq sluice-chat-test-longest 0)
    (advice-add 'sluice-rpc--filter :around #'sluice-chat-test-time)
    (unwind-protect
        (progn (sluice-chat-send text (point-max))
               (fake-daemon-until (sluice-chat-test-idle-p) 60))
      (advice-remove 'sluice-rpc--filter #'sluice-chat-test-time))
    (should (equal (concat "Hello\n\n" text) (buffer-string)))
    (undo-boundary)
    (let ((inhibit-message t)) (undo))
    (should (equal "Hello" (buffer-string)))
    (message "longest go: %.1f ms" (* 1000 sluice-chat-test-longest))
    sluice-chat-test-longest))

(ert-deftest sluice-chat-test-five-thousand-pieces ()
  "Five thousand pieces arrive in order, and are one step of undo.
In no go is Emacs kept from the user for 50 ms; measured were 2 to 7 ms, on a busy
machine and with code that is not compiled.  What another machine on the same
processor takes counts as ours: so one of three answers must do."
  (let ((text (mapconcat #'number-to-string (number-sequence 1 1400) " ")))
    (should (< 5000 (length text)))
    (should (cl-loop repeat 3 thereis (< 0 (sluice-chat-test-longest-go text) 0.05)))))

(provide 'sluice-chat-test)
;;; sluice-chat-test.el ends here
