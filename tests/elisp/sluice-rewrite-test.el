;;; sluice-rewrite-test.el --- Tests of sluice-rewrite.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-rewrite)

(defmacro sluice-rewrite-test-with (text model &rest body)
  "Run BODY with the stand-in in a buffer with TEXT and MODEL; `[' and `]' mark the region."
  (declare (indent 2) (debug t))
  `(fake-daemon-with
     (with-temp-buffer
       (transient-mark-mode 1)
       (insert ,text)
       (let ((begin (progn (goto-char (point-min)) (search-forward "[") (delete-char -1) (point)))
             (end (progn (search-forward "]") (delete-char -1) (point))))
         (buffer-enable-undo)
         (setq buffer-undo-list nil)
         (let ((sluice-model ,model))
           (fake-daemon-messages (sluice-rewrite begin end "shorter"))
           ,@body)))))

(defun sluice-rewrite-test-overlay ()
  "Return the overlay of the proposal, or nil."
  (cl-find-if (lambda (overlay) (overlay-get overlay 'sluice-rewrite))
              (overlays-in (point-min) (point-max))))

(defun sluice-rewrite-test-ready ()
  "Wait until the proposal is whole."
  (fake-daemon-until (zerop (hash-table-count sluice-chat--live))))

(defun sluice-rewrite-test-press (key)
  "Do what KEY does at point; return the messages."
  (fake-daemon-messages (call-interactively (key-binding (kbd key)))))

(ert-deftest sluice-rewrite-test-accept ()
  "Nothing is changed until `a'; that is one step of undo."
  (sluice-rewrite-test-with "Before [old text\n]after" "complete"
    (sluice-rewrite-test-ready)
    (should (equal "Before old text\nafter" (buffer-string)))
    (should-not (consp buffer-undo-list))
    (let ((overlay (sluice-rewrite-test-overlay)))
      (should (equal "All at once." (overlay-get overlay 'display)))
      (should (string-search "a accepts" (overlay-get overlay 'before-string))))
    (sluice-rewrite-test-press "a")
    (should (equal "Before All at once.\nafter" (buffer-string)))
    (should-not (sluice-rewrite-test-overlay))
    (undo-boundary)
    (let ((inhibit-message t)) (undo))
    (should (equal "Before old text\nafter" (buffer-string)))))

(ert-deftest sluice-rewrite-test-sent ()
  "The region is the user's message; the wish is in the system prompt."
  (sluice-rewrite-test-with "Before [old text] after" "complete"
    (sluice-rewrite-test-ready)
    (let ((chat (car (plist-get (fake-daemon-seen) :chats))))
      (should (equal '((:role "user" :content "old text")) (plist-get chat :messages)))
      (should (string-search "What to change: shorter" (plist-get chat :system))))))

(ert-deftest sluice-rewrite-test-reject ()
  "`k' takes the proposal away and leaves the text, also while it is being written."
  (sluice-rewrite-test-with "Before [old] after" "complete"
    (sluice-rewrite-test-ready)
    (should (equal '("The old text stays") (sluice-rewrite-test-press "k")))
    (should-not (sluice-rewrite-test-overlay))
    (should (equal "Before old after" (buffer-string))))
  (sluice-rewrite-test-with "Before [old] after" "forever"
    (fake-daemon-until (string-search "word5" (or (overlay-get (sluice-rewrite-test-overlay)
                                                               'display)
                                                  "")))
    (should-error (sluice-rewrite-accept) :type 'user-error)
    (sluice-rewrite-test-press "k")
    (should-not (sluice-rewrite-test-overlay))
    (should (equal "Before old after" (buffer-string)))
    (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled))))

(ert-deftest sluice-rewrite-test-keys-on-the-overlay-only ()
  "Outside of the proposal the keys are what they are otherwise."
  (sluice-rewrite-test-with "Before [old] after" "complete"
    (sluice-rewrite-test-ready)
    (should (eq 'sluice-rewrite-accept (key-binding "a")))
    (goto-char (point-min))
    (should-not (eq 'sluice-rewrite-accept (key-binding "a")))
    (should-error (sluice-rewrite-accept) :type 'user-error)))

(ert-deftest sluice-rewrite-test-diff ()
  "`d' shows what is old and what is new."
  (skip-unless (executable-find diff-command))
  (sluice-rewrite-test-with "Before [old text\n]after" "complete"
    (sluice-rewrite-test-ready)
    (save-window-excursion
      (sluice-rewrite-test-press "d")
      (with-current-buffer "*Sluice diff*"
        (should (equal "--- old\n+++ new\n@@ -1 +1 @@\n-old text\n+All at once.\n"
                       (buffer-string)))
        (should (derived-mode-p 'diff-mode))))))

(ert-deftest sluice-rewrite-test-changed-meanwhile ()
  "A text that was changed in the meantime is not replaced."
  (sluice-rewrite-test-with "Before [old] after" "complete"
    (sluice-rewrite-test-ready)
    (forward-char 1)
    (insert "X")
    (should-error (sluice-rewrite-accept) :type 'user-error)
    (should (equal "Before oXld after" (buffer-string)))))

(ert-deftest sluice-rewrite-test-failure ()
  "A call that fails, or is stopped, leaves no proposal; the text is untouched."
  (sluice-rewrite-test-with "Before [old] after" "fails"
    (sluice-rewrite-test-ready)
    (should-not (sluice-rewrite-test-overlay))
    (should (equal "Before old after" (buffer-string))))
  (sluice-rewrite-test-with "Before [old] after" "forever"
    (fake-daemon-messages (sluice-abort))
    (should-not (sluice-rewrite-test-overlay))))

(ert-deftest sluice-rewrite-test-nothing-written ()
  "An answer without a word is no proposal: the text stays, and it is said what to do."
  (sluice-rewrite-test-with "Before [old] after" "blank"
    (let ((shown (fake-daemon-messages (sluice-rewrite-test-ready))))
      (should (string-match-p "wrote nothing.*so the old text stays.*Try" (car (last shown)))))
    (should-not (sluice-rewrite-test-overlay))
    (should-error (sluice-rewrite-accept) :type 'user-error)
    (should (equal "Before old after" (buffer-string)))))

(ert-deftest sluice-rewrite-test-cut-off ()
  "A text that is cut off at the token limit is called so, and only accepted after a question."
  (sluice-rewrite-test-with "Before [the old text] after" "cut"
    (sluice-rewrite-test-ready)
    (should (string-match-p "\\`\\[NOT COMPLETE: cut off at the token limit.*sluice-max-tokens.*\n.*a accepts"
                            (overlay-get (sluice-rewrite-test-overlay) 'before-string)))
    (let ((asked nil))
      (cl-letf (((symbol-function 'yes-or-no-p) (lambda (prompt) (push prompt asked) nil)))
        (should (string-match-p "Nothing is replaced yet.*sluice-max-tokens"
                                (car (sluice-rewrite-test-press "a")))))
      (should (string-match-p "cut off at the token limit.*\\? \\'" (car asked))))
    (should (equal "Before the old text after" (buffer-string)))
    (should (sluice-rewrite-test-overlay))
    (cl-letf (((symbol-function 'yes-or-no-p) #'always))
      (sluice-rewrite-test-press "a"))
    (should (equal "Before The first half after" (buffer-string)))))

(ert-deftest sluice-rewrite-test-large ()
  "A long text is announced before it goes, as with `sluice-send'; a no sends nothing."
  (fake-daemon-with
    (with-temp-buffer
      (transient-mark-mode 1)
      (insert "one two three four")
      (let ((sluice-model "forever") (sluice-confirm-tokens 5) (asked nil))
        (cl-letf (((symbol-function 'read-char-choice) (lambda (prompt _) (push prompt asked) ?e)))
          (fake-daemon-messages (sluice-rewrite 1 (point-max) "shorter")))
        (should (string-match-p "\\`Send 1 line (≈[0-9]+ tokens) to " (car asked)))
        (should-not (sluice-rewrite-test-overlay))
        (should-not (plist-get (fake-daemon-seen) :chats))))))

(ert-deftest sluice-rewrite-test-no-wish ()
  "Without a word on what to change nothing is sent, and it is said why."
  (fake-daemon-with
    (with-temp-buffer
      (insert "one two")
      (should (string-match-p "Nothing was sent, since you did not say"
                              (cadr (should-error (sluice-rewrite 1 4 " ") :type 'user-error))))
      (should-not (plist-get (fake-daemon-seen) :chats)))))

(ert-deftest sluice-rewrite-test-waits-and-killed ()
  "When the buffer is killed while the call waits in the queue, the call is cancelled at once."
  (fake-daemon-with
    (let ((buffer (generate-new-buffer "killed")) (sluice-model "waits"))
      (with-current-buffer buffer
        (insert "old")
        (fake-daemon-messages (sluice-rewrite 1 4 "longer")))
      (fake-daemon-messages
        (fake-daemon-until (cl-some #'sluice-chat-state (hash-table-values sluice-chat--live)))
        (kill-buffer buffer))
      (should-not (buffer-live-p buffer))
      (should (zerop (hash-table-count sluice-chat--live)))
      (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled)))))

(ert-deftest sluice-rewrite-test-percent-signs ()
  "A percent sign in the prompt is text; without a place for it, the wish stands at the end."
  (pcase-dolist (`(,prompt . ,system)
                 '(("Do %s now" . "Do 50% \\1 now") ("100% %s" . "100% 50% \\1")
                   ("100%% of %s" . "100% of 50% \\1") ("Rewrite, 5%" . "Rewrite, 5%\n50% \\1")
                   ("%d %%s" . "%d %s\n50% \\1")))
    (let ((sluice-rewrite-prompt prompt))
      (should (equal system (sluice-rewrite--system "50% \\1"))))))

(ert-deftest sluice-rewrite-test-diff-is-silent ()
  "The files for the difference are written without a word in the echo area."
  (let ((said nil) (write (symbol-function 'write-region)))
    (cl-letf (((symbol-function 'write-region)
               (lambda (&rest arguments)
                 (push (nth 4 arguments) said)
                 (apply write arguments))))
      (sluice-rewrite--diff-text "a" "b"))
    (should (equal '(silent silent) said))))

(ert-deftest sluice-rewrite-test-two ()
  "There is one proposal for a text at a time."
  (sluice-rewrite-test-with "Before [old] after" "complete"
    (sluice-rewrite-test-ready)
    (should-error (sluice-rewrite (point) (+ 2 (point)) "again") :type 'user-error)))

(ert-deftest sluice-rewrite-test-killed-buffer ()
  "When the buffer is killed, the call is stopped."
  (fake-daemon-with
    (let ((buffer (generate-new-buffer "killed")) (sluice-model "forever"))
      (with-current-buffer buffer
        (insert "old")
        (fake-daemon-messages (sluice-rewrite 1 4 "longer")))
      (kill-buffer buffer)
      (fake-daemon-messages
        (fake-daemon-until (zerop (hash-table-count sluice-chat--live)))
        (fake-daemon-until (plist-get (fake-daemon-seen) :cancelled))))))

(provide 'sluice-rewrite-test)
;;; sluice-rewrite-test.el ends here
