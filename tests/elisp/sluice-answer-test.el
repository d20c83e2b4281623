;;; sluice-answer-test.el --- Tests of sluice-answer.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-answer)

(defmacro sluice-answer-test-with (answer &rest body)
  "Run BODY in a buffer with a prompt; ANSWER is bound to a place at its end."
  (declare (indent 1) (debug t))
  `(with-temp-buffer
     (buffer-enable-undo)
     (insert "Prompt.")
     (undo-boundary)
     (let ((,answer (sluice-answer-open 5 (current-buffer) (point-max))))
       (unwind-protect (progn ,@body)
         (when (get-buffer "*Sluice answer*") (kill-buffer "*Sluice answer*"))))))

(defun sluice-answer-test-stream (answer words)
  "Write WORDS to ANSWER, with boundaries as the command loop sets them."
  (let ((n 0))
    (dolist (word words)
      (sluice-answer-add answer word)
      (when (zerop (% (cl-incf n) 20)) (undo-boundary)))))

(defun sluice-answer-test-undo (steps)
  "Undo STEPS steps, as that many presses of the key do; return the texts after each."
  (cl-loop for n below steps
           do (let ((last-command (if (zerop n) 'self-insert-command 'undo))
                    (inhibit-message t))
                (undo-boundary)
                (undo))
           collect (buffer-string)))

(defun sluice-answer-test-words (from to)
  "Return pieces number FROM to TO of an answer."
  (mapcar (lambda (n) (format "w%d " n)) (number-sequence from to)))

(ert-deftest sluice-answer-test-gap ()
  "The answer is a paragraph of its own, whatever stands before it."
  (dolist (case '(("" . "A") ("p" . "p\n\nA") ("p\n" . "p\n\nA") ("p\n\n" . "p\n\nA")))
    (with-temp-buffer
      (insert (car case))
      (let ((answer (sluice-answer-open 1 (current-buffer) (point-max))))
        (sluice-answer-add answer "A")
        (should (equal (cdr case) (buffer-string)))))))

(ert-deftest sluice-answer-test-one-undo ()
  "Two hundred pieces are one step of undo."
  (sluice-answer-test-with answer
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 200))
    (should (string-suffix-p "w200 " (buffer-string)))
    (should (equal '("Prompt.") (sluice-answer-test-undo 1)))))

(ert-deftest sluice-answer-test-undo-keeps-own-edits ()
  "With one edit of the user in between there are three steps, each undone alone."
  (sluice-answer-test-with answer
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 100))
    (let ((half (buffer-string)))
      (undo-boundary)
      (save-excursion (goto-char (point-min)) (insert "Mine. "))
      (undo-boundary)
      (sluice-answer-test-stream answer (sluice-answer-test-words 101 200))
      (should (string-suffix-p "w200 " (buffer-string)))
      (should (equal (list (concat "Mine. " half) half "Prompt.")
                     (sluice-answer-test-undo 3))))))

(ert-deftest sluice-answer-test-no-undo-information ()
  "A buffer that keeps no undo information gets its answer all the same."
  (sluice-answer-test-with answer
    (buffer-disable-undo)
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 50))
    (should (string-suffix-p "w50 " (buffer-string)))
    (should (eq t buffer-undo-list))))

(ert-deftest sluice-answer-test-undo-answer ()
  "`sluice-undo-answer' removes the whole answer and leaves the user's own text."
  (sluice-answer-test-with answer
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 4))
    (goto-char (- (point-max) 5))
    (insert "MINE")
    (sluice-answer-add answer "last")
    (goto-char (point-max))
    (sluice-undo-answer)
    (should (equal "Prompt.MINE" (buffer-string)))
    (should-error (sluice-undo-answer) :type 'user-error)))

(ert-deftest sluice-answer-test-undo-answer-leaves-copies ()
  "What was copied out of an answer is the user's own text: it stays."
  (sluice-answer-test-with answer
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 4))
    (let ((kill-ring nil) (kill-ring-yank-pointer nil) (interprogram-cut-function nil)
          (interprogram-paste-function nil))
      (copy-region-as-kill (- (point-max) 6) (point-max))
      (goto-char (point-min))
      (yank))
    (should (equal "w3 w4 Prompt.\n\nw1 w2 w3 w4 " (buffer-string)))
    (should-error (sluice-undo-answer) :type 'user-error)
    (goto-char (point-max))
    (sluice-undo-answer)
    (should (equal "w3 w4 Prompt." (buffer-string)))))

(ert-deftest sluice-answer-test-removed ()
  "It is noticed when the user has taken the answer away."
  (sluice-answer-test-with answer
    (should-not (sluice-answer-removed-p answer))
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 50))
    (should-not (sluice-answer-removed-p answer))
    (sluice-answer-test-undo 1)
    (should (sluice-answer-removed-p answer))))

(ert-deftest sluice-answer-test-undo-of-a-part ()
  "An undo that takes only the newest part of the answer is noticed, too."
  (sluice-answer-test-with answer
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 50))
    (undo-boundary)
    (save-excursion (goto-char (point-min)) (insert "Mine. "))
    (undo-boundary)
    (sluice-answer-test-stream answer (sluice-answer-test-words 51 100))
    (should-not (sluice-answer-removed-p answer))
    (sluice-answer-test-undo 1)
    (should (string-suffix-p "w50 " (buffer-string)))
    (should (sluice-answer-removed-p answer))))

(ert-deftest sluice-answer-test-undo-of-something-else ()
  "An undo of the user's own edits elsewhere does not stop the answer."
  (sluice-answer-test-with answer
    (sluice-answer-test-stream answer (sluice-answer-test-words 1 50))
    (undo-boundary)
    (save-excursion (goto-char (point-min)) (insert "Mine. "))
    (sluice-answer-test-undo 1)
    (should (string-prefix-p "Prompt." (buffer-string)))
    (should-not (sluice-answer-removed-p answer))
    (sluice-answer-close answer)
    (should-not (memq #'sluice-answer--watch-undo before-change-functions))))

(ert-deftest sluice-answer-test-heading ()
  "A heading comes with the first piece, and goes with the answer."
  (with-temp-buffer
    (insert "Prompt.")
    (let ((answer (sluice-answer-open 1 (current-buffer) (point-max) "Heading\n")))
      (should (equal "Prompt." (buffer-string)))
      (sluice-answer-add answer "one")
      (should (equal "Prompt.\n\nHeading\none" (buffer-string)))
      (goto-char (point-max))
      (sluice-undo-answer)
      (should (equal "Prompt." (buffer-string))))))

(ert-deftest sluice-answer-test-windows-follow ()
  "Each window whose point stands at the end follows; the others stay where they are."
  (sluice-answer-test-with answer
    (save-window-excursion
      (switch-to-buffer (current-buffer))
      (let ((one (selected-window)) (two (split-window)))
        (set-window-point two (point-max))
        (goto-char 3)
        (sluice-answer-add answer "one")
        (should (= 3 (window-point one)))
        (should (= (point-max) (window-point two)))
        (set-window-point two 2)
        (sluice-answer-add answer " two")
        (should (= 2 (window-point two)))))))

(ert-deftest sluice-answer-test-point-stays ()
  "Point is left where the user put it, and text typed behind the answer stays there."
  (sluice-answer-test-with answer
    (sluice-answer-add answer "one")
    (goto-char 3)
    (sluice-answer-add answer " two")
    (should (= 3 (point)))
    (goto-char (point-max))
    (insert " typed")
    (sluice-answer-add answer " three")
    (should (equal "Prompt.\n\none two three typed" (buffer-string)))
    (should (= (point) (point-max)))))

(ert-deftest sluice-answer-test-point-follows ()
  "Point that stands at the end of the answer goes along with it."
  (sluice-answer-test-with answer
    (goto-char (point-max))
    (sluice-answer-add answer "one")
    (sluice-answer-add answer " two")
    (should (= (point) (point-max)))))

(ert-deftest sluice-answer-test-narrowed ()
  "In a narrowed buffer the answer still goes to its place."
  (sluice-answer-test-with answer
    (narrow-to-region 1 3)
    (sluice-answer-add answer "one")
    (should (equal "Pr" (buffer-string)))
    (widen)
    (should (equal "Prompt.\n\none" (buffer-string)))))

(defun sluice-answer-test-elsewhere ()
  "Return the text of the buffer for homeless answers."
  (with-current-buffer "*Sluice answer*" (buffer-string)))

(ert-deftest sluice-answer-test-read-only-buffer ()
  "An answer to a read-only buffer goes to a buffer of its own."
  (with-temp-buffer
    (insert "Prompt.")
    (setq buffer-read-only t)
    (let ((answer (sluice-answer-open 1 (current-buffer) (point-max))))
      (sluice-answer-add answer "one")
      (sluice-answer-add answer " two")
      (should (equal "Prompt." (buffer-string)))
      (should (equal "one two" (sluice-answer-test-elsewhere))))
    (kill-buffer "*Sluice answer*")))

(ert-deftest sluice-answer-test-becomes-read-only ()
  "If the buffer becomes read-only in the middle, the whole answer goes elsewhere."
  (sluice-answer-test-with answer
    (sluice-answer-add answer "one")
    (setq buffer-read-only t)
    (sluice-answer-add answer " two")
    (sluice-answer-add answer " three")
    (should (equal "Prompt.\n\none" (buffer-string)))
    (should (equal "one two three" (string-trim (sluice-answer-test-elsewhere))))))

(ert-deftest sluice-answer-test-killed-buffer ()
  "If the buffer is killed in the middle, nothing of the answer is lost."
  (let ((buffer (generate-new-buffer "killed")) answer)
    (setq answer (sluice-answer-open 1 buffer 1))
    (sluice-answer-add answer "one")
    (kill-buffer buffer)
    (sluice-answer-add answer " two")
    (should (equal "one two" (sluice-answer-test-elsewhere)))
    (kill-buffer "*Sluice answer*")))

(ert-deftest sluice-answer-test-scripts ()
  "Korean, Chinese, right-to-left text and emoji are inserted as they are."
  (sluice-answer-test-with answer
    (let ((pieces '("안녕" "하세요 " "中文 " "שלום " "👩‍👩" "‍👧 🙂")))
      (sluice-answer-test-stream answer pieces)
      (should (equal (concat "Prompt.\n\n" (string-join pieces)) (buffer-string))))))

(ert-deftest sluice-answer-test-waiting-text ()
  "What is shown while waiting is not in the text, and goes away again."
  (sluice-answer-test-with answer
    (set-buffer-modified-p nil)
    (sluice-answer-show answer "waits")
    (let ((overlay (car (overlays-in (point-min) (point-max)))))
      (should (equal " \n[waits]" (overlay-get overlay 'after-string))))
    (sluice-answer-show answer "waits still")
    (should (= 1 (length (overlays-in (point-min) (point-max)))))
    (should-not (buffer-modified-p))
    (should (equal "Prompt." (buffer-string)))
    (sluice-answer-show answer nil)
    (should-not (overlays-in (point-min) (point-max)))))

(ert-deftest sluice-answer-test-note-stands-behind-what-is-typed ()
  "The cursor is drawn at the text and not behind the note, and what is typed comes before it.
In the middle of a line, the rest of the line stands below the note."
  (sluice-answer-test-with answer
    (sluice-answer-show answer "waits")
    (should (fake-daemon-note-follows-p " More"))
    (sluice-answer-show answer "waits still")
    (should (= (point) (overlay-start (fake-daemon-note))))
    (sluice-answer-add answer "Answer.")
    (should (equal "Prompt.\n\nAnswer. More" (buffer-string)))
    (sluice-answer-close answer))
  (with-temp-buffer
    (insert "Hello")
    (let ((note (sluice-note-overlay (copy-marker 3))))
      (sluice-note-show note "waits" 'shadow)
      (should (equal " \n[waits]\n" (overlay-get note 'after-string))))))

(ert-deftest sluice-answer-test-long-note ()
  "A note is as wide as the narrowest window of its buffer, where a longer line is truncated."
  (with-temp-buffer
    (let ((note (sluice-note-overlay (copy-marker 1)))
          (words (string-join (make-list 20 "word") " ")))
      (sluice-note-show note words 'shadow)
      (should (<= (apply #'max (mapcar #'length (split-string (overlay-get note 'after-string) "\n"))) 80))
      (save-window-excursion
        (switch-to-buffer (current-buffer))
        (fake-daemon-in-width 40
          (sluice-note-show note words 'shadow)))
      (let ((lines (split-string (overlay-get note 'after-string) "\n" t)))
        (should (< 2 (length lines)))
        (should-not (cl-find 41 (mapcar #'length lines) :test #'<=))
        (should (equal (format "[%s]" words)
                       (string-trim (replace-regexp-in-string
                                     "[ \n]+" " " (overlay-get note 'after-string)))))))))

(ert-deftest sluice-answer-test-broken ()
  "An answer that broke off is said to be; the remark is no text, and goes with the answer."
  (sluice-answer-test-with answer
    (sluice-answer-mark-broken answer)
    (should-not (overlays-in (point-min) (point-max)))
    (sluice-answer-add answer "half an")
    (sluice-answer-mark-broken answer)
    (sluice-answer-close answer)
    (should (equal "\n[The answer broke off here; it is not complete]"
                   (overlay-get (fake-daemon-note) 'after-string)))
    (should (equal "Prompt.\n\nhalf an" (buffer-string)))
    (goto-char (point-max))
    (sluice-undo-answer)
    (should-not (overlays-in (point-min) (point-max)))))

;;;; Several at once

(defmacro sluice-answer-test-elsewhere-with (answers &rest body)
  "Run BODY with ANSWERS bound to places in the buffer of answers, asked in that order."
  (declare (indent 1) (debug t))
  `(with-temp-buffer
     (save-window-excursion
       (let* ,(cl-loop for name in answers for id from 1
                       collect `(,name (sluice-answer-open-elsewhere
                                        ,id (current-buffer) ,(format "> %s\n\n" (upcase (symbol-name name))))))
         (unwind-protect (progn ,@body)
           (when (get-buffer "*Sluice answer*") (kill-buffer "*Sluice answer*")))))))

(ert-deftest sluice-answer-test-several-in-the-order-asked ()
  "Each of several answers has its heading at once and its own place, whatever comes first."
  (sluice-answer-test-elsewhere-with (a b c)
    (should (string-match-p "\\`> A\n\n+> B\n\n+> C\n\n\\'" (sluice-answer-test-elsewhere)))
    (sluice-answer-add b "one b\n")
    (sluice-answer-add a "one a\n")
    (sluice-answer-add c "one c")
    (sluice-answer-add a "two a")
    (sluice-answer-add b "two b")
    (sluice-answer-add c ", two c")
    (should (equal "> A\n\none a\ntwo a\n\n> B\n\none b\ntwo b\n\n> C\n\none c, two c"
                   (sluice-answer-test-elsewhere)))
    (with-current-buffer "*Sluice answer*"
      (dolist (answer (list a b c))
        (should (equal (upcase (symbol-name (cdr (assq answer `((,a . a) (,b . b) (,c . c))))))
                       (buffer-substring (+ 2 (sluice-answer-start answer))
                                         (+ 3 (sluice-answer-start answer))))))
      (goto-char (sluice-answer-end b))
      (sluice-undo-answer))
    (should (equal "> A\n\none a\ntwo a\n\n> C\n\none c, two c" (sluice-answer-test-elsewhere)))))

(ert-deftest sluice-answer-test-window-follows-the-newest ()
  "In the buffer of answers what was asked last is seen as it comes."
  (sluice-answer-test-elsewhere-with (a b)
    (let ((window (get-buffer-window "*Sluice answer*")))
      (should window)
      (sluice-answer-add a "one")
      (sluice-answer-add b "two")
      (should (= (window-point window) (sluice-answer-end b)))
      ;; As after a minibuffer, which takes the window back.
      (set-window-point window 3)
      (let ((c (sluice-answer-open-elsewhere 3 (current-buffer) "> C\n\n")))
        (sluice-answer-add a "more")
        (should (= (window-point window) (sluice-answer-end c)))))))

(ert-deftest sluice-answer-test-heading-without-answer ()
  "The heading of an answer of which nothing has come goes when its place is closed."
  (sluice-answer-test-elsewhere-with (a b)
    (sluice-answer-close a)
    (sluice-answer-add b "text")
    (sluice-answer-close b)
    (should (equal "> B\n\ntext" (string-trim (sluice-answer-test-elsewhere))))))

(ert-deftest sluice-answer-test-read-only-elsewhere ()
  "When the buffer of answers is read-only, there is another one."
  (sluice-answer-test-elsewhere-with (a)
    (with-current-buffer "*Sluice answer*" (setq buffer-read-only t))
    (let ((b (sluice-answer-open-elsewhere 2 (current-buffer) "> B\n\n")))
      (unwind-protect
          (progn (sluice-answer-add b "text")
                 (sluice-answer-add a "late")
                 (should (equal "> A\n\n" (sluice-answer-test-elsewhere)))
                 (should (equal "> B\n\ntext"
                                (with-current-buffer (sluice-answer-buffer b) (buffer-string))))
                 (should (equal "> A\n\nlate"
                                (with-current-buffer (sluice-answer-buffer a) (buffer-string)))))
        (mapc (lambda (answer) (kill-buffer (sluice-answer-buffer answer))) (list a b))))))

(ert-deftest sluice-answer-test-two-at-one-place ()
  "Two answers that were asked for at the same place stand in the order asked, apart."
  (pcase-dolist (`(,text ,position ,wish)
                 '(("Prompt." 8 "Prompt.\n\none a two a\n\none b two b")
                   ("" 1 "one a two a\n\none b two b")
                   ("Prompt.\n" 9 "Prompt.\n\none a two a\n\none b two b")))
    (dolist (order '((a b a b) (b a b a) (b b a a)))
      (with-temp-buffer
        (insert text)
        (let ((places (list (cons 'a (sluice-answer-open 1 (current-buffer) position))
                            (cons 'b (sluice-answer-open 2 (current-buffer) position))))
              (seen nil))
          (dolist (name order)
            (sluice-answer-add (alist-get name places)
                               (format (if (memq name seen) " two %s" "one %s") name))
            (push name seen))
          (should (equal wish (buffer-string)))
          (should (<= (sluice-answer-end (alist-get 'a places))
                      (sluice-answer-start (alist-get 'b places)))))))))

(ert-deftest sluice-answer-test-note-stays-at-its-answer ()
  "What is shown of an answer that waits stays before the text of one that stands behind it."
  (with-temp-buffer
    (let ((a (sluice-answer-open 1 (current-buffer) 1))
          (b (sluice-answer-open 2 (current-buffer) 1)))
      (sluice-answer-show a "a waits")
      (sluice-answer-show b "b waits")
      (sluice-answer-add b "one b")
      (should (= 1 (overlay-start (sluice-answer-overlay a))))))
  (sluice-answer-test-elsewhere-with (a b)
    (sluice-answer-show a "a waits")
    (sluice-answer-show b "b waits")
    (let ((c (sluice-answer-open-elsewhere 3 (current-buffer) "> C\n\n")))
      (sluice-answer-show c "c waits")
      (sluice-answer-add b "text")
      (should (equal "> A\n\n\n\n> B\n\ntext\n\n> C\n\n" (sluice-answer-test-elsewhere)))
      (dolist (answer (list a b c))
        (should (= (sluice-answer-end answer) (overlay-start (sluice-answer-overlay answer))))))))

(provide 'sluice-answer-test)
;;; sluice-answer-test.el ends here
