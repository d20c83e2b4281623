;;; sluice-send-test.el --- Tests of sluice-send.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-send)

(defmacro sluice-send-test-with (text model &rest body)
  "Run BODY with the stand-in in a buffer with TEXT, point at its end, and MODEL."
  (declare (indent 2) (debug t))
  `(fake-daemon-with
     (with-temp-buffer
       (buffer-enable-undo)
       (transient-mark-mode 1)
       (insert ,text)
       (undo-boundary)
       (let ((sluice-model ,model)) ,@body))))

(defun sluice-send-test-wait ()
  "Wait until no answer is on its way."
  (fake-daemon-until (zerop (hash-table-count sluice-chat--live)) 60))

(defun sluice-send-test-sent ()
  "Return what the stand-in was sent: the text of each first message."
  (mapcar (lambda (chat) (plist-get (car (plist-get chat :messages)) :content))
          (plist-get (fake-daemon-seen) :chats)))

(defmacro sluice-send-test-answering (function answer &rest body)
  "Run BODY; FUNCTION, which asks, answers ANSWER.  Return the prompts."
  (declare (indent 2) (debug t))
  `(let ((asked nil))
     (cl-letf (((symbol-function ,function)
                (lambda (prompt &rest _) (push prompt asked) ,answer)))
       ,@body)
     (nreverse asked)))

(ert-deftest sluice-send-test-large ()
  "Above the limit it is asked with lines, tokens and host; `s' sends."
  (sluice-send-test-with "one two three\nfour five" "echo"
    (let ((sluice-confirm-tokens 5))
      (should (equal '("Send 2 lines (≈10 tokens) to api.openai.com? (s send, e edit, C-g) ")
                     (sluice-send-test-answering 'read-char-choice ?s
                       (fake-daemon-messages (sluice-send)))))
      (sluice-send-test-wait)
      (should (equal '("one two three\nfour five") (sluice-send-test-sent))))))

(ert-deftest sluice-send-test-large-edit ()
  "`e' sends nothing, selects the text and says so; quitting sends nothing either."
  (sluice-send-test-with "Before.\n\none two three" "echo"
    (let ((sluice-confirm-tokens 5))
      (sluice-send-test-answering 'read-char-choice ?e
        (should (equal '("Nothing was sent.  Change it, then send again")
                       (fake-daemon-messages (sluice-send)))))
      (should (equal "one two three"
                     (buffer-substring (region-beginning) (region-end))))
      (should (eq 'quit (condition-case nil
                            (cl-letf (((symbol-function 'read-char-choice)
                                       (lambda (&rest _) (signal 'quit nil))))
                              (sluice-send))
                          (quit 'quit))))
      (should-not (sluice-send-test-sent)))))

(ert-deftest sluice-send-test-small ()
  "Below the limit, or without one, nothing is asked."
  (sluice-send-test-with (string-join (make-list 50 "word") " ") "whole"
    (dolist (sluice-confirm-tokens '(2000 nil))
      (should-not (sluice-send-test-answering 'read-char-choice ?e
                    (fake-daemon-messages (sluice-send) (sluice-send-test-wait))))
      (undo-boundary)
      (undo))
    (should (= 2 (length (sluice-send-test-sent))))))

(ert-deftest sluice-send-test-twice ()
  "Who presses send twice on the same prompt is asked; a no sends nothing."
  (sluice-send-test-with "One.\n\nTwo." "waits"
    (fake-daemon-messages
      (sluice-send)
      (should (equal '("This is being answered already.  Send it a second time? ")
                     (sluice-send-test-answering 'y-or-n-p nil (sluice-send))))
      (should (= 1 (hash-table-count sluice-chat--live)))
      (sluice-send-test-answering 'y-or-n-p t (sluice-send))
      (should (= 2 (hash-table-count sluice-chat--live)))
      ;; Another prompt is not the same.
      (goto-char (point-min))
      (should-not (sluice-send-test-answering 'y-or-n-p nil (sluice-send)))
      (should (= 3 (hash-table-count sluice-chat--live)))
      (sluice-abort t)
      ;; What is over is not on its way.
      (should-not (sluice-send-test-answering 'y-or-n-p nil (sluice-send)))
      (sluice-abort t))))

(ert-deftest sluice-send-test-prompt ()
  "A prompt is answered in the buffer of answers, under what was asked."
  (sluice-send-test-with "Mine." "echo"
    (fake-daemon-messages (sluice-prompt "What?") (sluice-send-test-wait))
    (should (equal "Mine." (buffer-string)))
    (with-current-buffer "*Sluice answer*"
      (should (equal "> What?\n\nWhat?" (buffer-string)))
      (goto-char (point-max))
      (sluice-undo-answer)
      (should (equal "" (buffer-string))))))

(ert-deftest sluice-send-test-prompt-empty ()
  "An empty prompt is not sent, and no text to select is spoken of."
  (sluice-send-test-with "Mine." "echo"
    (should (string-match-p "\\`Nothing was sent, since you asked nothing"
                            (cadr (should-error (sluice-prompt " ") :type 'user-error))))
    (should-not (sluice-send-test-sent))))

(ert-deftest sluice-send-test-prompt-here ()
  "With a prefix argument the answer comes at point, as one step of undo."
  (sluice-send-test-with "Mine." "echo"
    (fake-daemon-messages (sluice-prompt "What?" t) (sluice-send-test-wait))
    (should (equal "Mine.\n\nWhat?" (buffer-string)))
    (undo-boundary)
    (let ((inhibit-message t)) (undo))
    (should (equal "Mine." (buffer-string)))))

(ert-deftest sluice-send-test-prompt-reading ()
  "The minibuffer has its own history, and the region one key away."
  (sluice-send-test-with "alpha beta" "echo"
    (let (given)
      (cl-letf (((symbol-function 'read-from-minibuffer)
                 (lambda (&rest arguments) (setq given arguments) "typed")))
        (goto-char 1)
        (push-mark 6 t t)
        (fake-daemon-messages (call-interactively #'sluice-prompt) (sluice-send-test-wait)))
      (should (equal "Ask echo: " (nth 0 given)))
      (should (eq 'sluice-prompt-history (nth 4 given)))
      (should (equal "alpha" (nth 5 given)))
      (should (equal '("typed") (sluice-send-test-sent))))))

(ert-deftest sluice-send-test-place ()
  "The answer goes to the buffer of answers when that is wanted."
  (sluice-send-test-with "Question." "echo"
    (let ((sluice-answer-place 'buffer))
      (fake-daemon-messages (sluice-send) (sluice-send-test-wait)))
    (should (equal "Question." (buffer-string)))
    (should (string-suffix-p "\n\nQuestion."
                             (with-current-buffer "*Sluice answer*" (buffer-string))))))

(ert-deftest sluice-send-test-scripts ()
  "Korean, Chinese, emoji and right-to-left text go and come back as they are."
  (let ((text "한국어 中文 👩‍👩‍👧 שלום עולם مرحبا 𝒳"))
    (sluice-send-test-with text "echo"
      (fake-daemon-messages (sluice-send) (sluice-send-test-wait))
      (should (equal (list text) (sluice-send-test-sent)))
      (should (equal (concat text "\n\n" text) (buffer-string))))))

(ert-deftest sluice-send-test-raw-bytes ()
  "Bytes that are no text are sent as U+FFFD; the buffer keeps them."
  (let ((text (concat "a" (string (unibyte-char-to-multibyte #xe9)) "b")))
    (sluice-send-test-with text "echo"
      (fake-daemon-messages (sluice-send) (sluice-send-test-wait))
      (should (equal '("a\ufffdb") (sluice-send-test-sent)))
      (should (equal (concat text "\n\na\ufffdb") (buffer-string))))))

(provide 'sluice-send-test)
;;; sluice-send-test.el ends here
