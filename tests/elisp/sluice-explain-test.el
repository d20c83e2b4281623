;;; sluice-explain-test.el --- Tests of sluice-explain.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)

(defun sluice-explain-test-page ()
  "Return the text of the page."
  (with-current-buffer "*Sluice explain*" (buffer-string)))

(defmacro sluice-explain-test-on-page (&rest body)
  "Run BODY on the page."
  `(with-current-buffer "*Sluice explain*" ,@body))

(defun sluice-explain-test-press (key)
  "Do what KEY does on the page."
  (sluice-explain-test-on-page
   (let ((last-command-event (aref key 0)))
     (call-interactively (key-binding key)))))

(ert-deftest sluice-explain-test-page-parts ()
  "The page has all parts of the explanation, in order, and no others."
  (fake-daemon-with
    (setq sluice--newest-failure "c-66")
    (sluice-explain-last)
    (let ((page (sluice-explain-test-page)) (at 0))
      (dolist (part '("No credit left at OpenAI" "What happened" "has used up" "Why" "Credit was"
                      "What happens now" "Waiting will not help" "What you can do" "1. Add credit"
                      "[1] https://example.org/billing" "2. Then send" "What it is not"
                      "[w] Copy curl" "[o] Open the page" "[i] Provider's words" "[g] Refresh"
                      "How I know" "status 429"))
        (should (string-match (regexp-quote part) page at))
        (setq at (match-end 0)))
      (should-not (string-search "provider's own sentence" page)))
    (sluice-explain-test-on-page
     (should buffer-read-only)
     (should (equal "429 · openai · gpt-4o-mini · c-66" (sluice-explain--header)))
     (should (equal '(:call "c-66" :language nil) sluice-explain--question)))))

(ert-deftest sluice-explain-test-each-button-has-its-key ()
  "The key that a button shows is bound, and the button does the same."
  (fake-daemon-with
    (sluice-explain-last)
    (sluice-explain-test-on-page
     (goto-char (point-min))
     (let ((seen 0))
       (while (ignore-errors (forward-button 1))
         (should (looking-at "\\[\\(.\\)\\]"))
         (should (commandp (key-binding (match-string 1))))
         (cl-incf seen)
         (when (= seen 6) (goto-char (point-max))))
       (should (= seen 6))))))

(ert-deftest sluice-explain-test-nothing-to-explain ()
  "For a call that went well it is said so, and its curl command can be copied."
  (fake-daemon-with
    (sluice-explain--show '(:call "went-well"))
    (should (string-prefix-p "Call c-1 has not failed" (sluice-explain-test-page)))
    (should (string-search "[w] Copy curl" (sluice-explain-test-page)))
    (should-not (string-search "Open the page" (sluice-explain-test-page)))))

(ert-deftest sluice-explain-test-raw-words ()
  "A key shows the provider's own words, and hides them again."
  (fake-daemon-with
    (sluice-explain-last)
    (sluice-explain-test-press "i")
    (should (string-search "The provider's own sentence." (sluice-explain-test-page)))
    (sluice-explain-test-press "i")
    (should-not (string-search "The provider's own sentence." (sluice-explain-test-page)))))

(ert-deftest sluice-explain-test-raw-words-are-seen ()
  "In a window that is too low for the page, the key goes to the words; its button hides them."
  (fake-daemon-with
    (save-window-excursion
      (sluice-explain-last)
      (set-window-buffer (selected-window) "*Sluice explain*")
      (set-buffer "*Sluice explain*")
      (sluice-explain-test-press "i")
      (should (looking-at-p "The provider's words\n +The provider's own sentence"))
      (should (= (point) (window-point)))
      ;; A batch Emacs displays nothing, so for it nothing is visible.
      (should (= (window-start) (point)))
      (should (string-search "[i] Hide the words" (buffer-string)))
      (sluice-explain-test-press "i")
      (should (looking-at-p (regexp-quote "[i] Provider's words")))
      (push-button)
      (should (string-search "The provider's own sentence." (buffer-string))))))

(ert-deftest sluice-explain-test-open ()
  "A digit opens the page of that action, `o' the first; without a page it is said."
  (fake-daemon-with
    (sluice-explain-last)
    (let* ((opened nil)
           (browse-url-browser-function (lambda (url &rest _) (push url opened))))
      (sluice-explain-test-press "o")
      (sluice-explain-test-press "1")
      (should (equal '("https://example.org/billing" "https://example.org/billing") opened))
      (should-error (sluice-explain-test-press "2") :type 'user-error)
      (should-error (sluice-explain-test-press "9") :type 'user-error))))

(ert-deftest sluice-explain-test-what-emacs-knows-itself ()
  "A failure that the daemon does not know is explained here, with the daemon and without.
Nothing of it can be copied; who refreshes the page sees it again."
  (dolist (start '(t nil))
    (fake-daemon-call-with
     start
     (lambda ()
       (let ((sluice-explain--own nil))
         (sluice-explain-note-stopped "c-1")
         (sluice-explain--show (list :call "c-1"))
         (dolist (_ '(1 2))
           (let ((page (sluice-explain-test-page)))
             (dolist (words '("was stopped while this call ran" "M-x sluice-start" "M-x sluice-doctor"))
               (should (string-search words page)))
             (should-not (string-search "[w]" page)))
           (sluice-explain-test-press "g"))
         (should-error (sluice-explain-test-press "w") :type 'user-error)
         (dotimes (n 200) (sluice-explain-note-own (format "x-%d" n) :title "T"))
         (should (= 100 (length sluice-explain--own))))))))

(ert-deftest sluice-explain-test-which-call ()
  "The failure of this buffer goes before the one of this Emacs, and that before all."
  (with-temp-buffer
    (let ((sluice--newest-failure nil))
      (should (equal "last-failed" (sluice-explain--last-call)))
      (sluice-note-failure "elsewhere" nil)
      (should (equal "elsewhere" (sluice-explain--last-call)))
      (sluice-note-failure "here" (current-buffer))
      (sluice-note-failure "elsewhere" nil)
      (should (equal "here" (sluice-explain--last-call))))))

(ert-deftest sluice-explain-test-region ()
  "A selected text is explained; it is about no call, so there is no curl command."
  (fake-daemon-with
    (with-temp-buffer
      (insert "Error: 429 너무 많음")
      (sluice-explain-region (point-min) (point-max)))
    (should-not (string-search "Copy curl" (sluice-explain-test-page)))
    (sluice-explain-test-press "i")
    (should (string-search "Error: 429 너무 많음" (sluice-explain-test-page)))
    (should-error (sluice-explain-test-press "w") :type 'user-error)))

(defun sluice-explain-test-program ()
  "Make the stand-in's program that of Sluice, and return its file."
  (let ((file (expand-file-name "program" fake-daemon-directory)))
    (with-temp-file file
      (insert (format "#!/bin/sh\nexec %s %s \"$@\"\n" (shell-quote-argument fake-daemon-python)
                      (shell-quote-argument fake-daemon-program))))
    (set-file-modes file #o755)
    file))

(ert-deftest sluice-explain-test-region-without-daemon ()
  "Without a daemon its program explains the text, and no daemon is started."
  (fake-daemon-without
    (let ((sluice-daemon-command (list (sluice-explain-test-program) "serve")))
      (with-temp-buffer
        (insert "Error: 429 너무 많음")
        (sluice-explain-region (point-min) (point-max)))
      (should (string-search "its program is asked" (sluice-explain-test-page)))
      (fake-daemon-until (string-search "No credit left" (sluice-explain-test-page)))
      (sluice-explain-test-on-page
       (should (string-suffix-p "likely: only the text is known" (sluice-explain--header))))
      (sluice-explain-test-press "i")
      (should (string-search "너무 많음" (sluice-explain-test-page)))
      (sluice-explain-test-press "g")
      (fake-daemon-until (string-search "No credit left" (sluice-explain-test-page)))
      (should (string-search "너무 많음" (sluice-explain-test-page)))
      (should-not (sluice-connection)))))

(ert-deftest sluice-explain-test-last-without-daemon ()
  "Without a daemon its program looks the last failure up in the journal."
  (fake-daemon-without
    (let ((sluice-daemon-command (list (sluice-explain-test-program) "serve")))
      (setq sluice--newest-failure "c-66")
      (sluice-explain-last)
      (fake-daemon-until (string-search "No credit left" (sluice-explain-test-page)))
      (sluice-explain-test-on-page
       (should (equal "c-66" (plist-get sluice-explain--answer :call)))
       (should-not (string-search "likely" (sluice-explain--header)))))))

(ert-deftest sluice-explain-test-daemon-that-goes ()
  "A daemon that goes away while it is asked is none: its program is asked."
  (fake-daemon-with
    (should (sluice-connection))
    (let ((sluice-daemon-command (list (sluice-explain-test-program) "serve")))
      (cl-letf (((symbol-function 'sluice-rpc-call)
                 (lambda (&rest _) (signal 'sluice-rpc-died '("gone" died nil)))))
        (sluice-explain--show '(:call "c-66")))
      (fake-daemon-until (string-search "No credit left" (sluice-explain-test-page))))))

(ert-deftest sluice-explain-test-program-that-cannot ()
  "What the program complains of stands on the page; a later page is not overwritten by it."
  (fake-daemon-without
    (let ((sluice-daemon-command '("cat" "serve")))
      (sluice-explain--show '(:text "x"))
      (fake-daemon-until (string-search "unrecognized option" (sluice-explain-test-page)))
      (sluice-explain--show '(:text "y"))
      (sluice-explain-test-on-page
       (sluice-explain--turn-to '(:text "z") '(:text "Another page.")))
      (fake-daemon-until (not (process-live-p (get-process "sluice-program"))))
      (should (string-prefix-p "Another page." (sluice-explain-test-page))))))

(ert-deftest sluice-explain-test-text-of-this-buffer ()
  "A failure of which only the text is known is the last one until a call fails here."
  (with-temp-buffer
    (setq sluice--newest-failure "c-1")
    (sluice-explain-note-text '(:text "429" :status 429))
    (should (equal '(:text "429" :status 429) (sluice-explain--last-question)))
    (sluice-note-failure "c-2" (current-buffer))
    (should (equal "c-2" (plist-get (sluice-explain--last-question) :call)))))

(ert-deftest sluice-explain-test-copy-curl ()
  "The command of this buffer's newest call is copied, and the note is told."
  (fake-daemon-with
    (with-temp-buffer
      (sluice-note-call "c-5" (current-buffer))
      (let ((shown (fake-daemon-messages (sluice-copy-curl))))
        (should (equal "curl --unix-socket S http://api.openai.com/v1 # c-5" (current-kill 0)))
        (should (equal '("Copied the curl command.  Set OPENAI_API_KEY first.") shown))))
    (with-temp-buffer
      (fake-daemon-messages (sluice-copy-curl))
      (should (string-suffix-p "# last" (current-kill 0))))
    (setq sluice--newest-failure "c-66")
    (sluice-explain-last)
    (fake-daemon-messages (sluice-explain-test-press "w"))
    (should (string-suffix-p "# c-66" (current-kill 0)))))

(ert-deftest sluice-explain-test-when-it-was ()
  "The header says when it was, which model and which call; what has passed is said to have passed."
  (fake-daemon-with
    (let ((sluice-explain--clock nil) (at (- (float-time) 1000)))
      (sluice-explain--show (list :call "c-1" :at at :retry_after_s 432))
      (sluice-explain-test-on-page
       (should (equal (concat (format-time-string "%F %T" at)
                              " · 429 · openai · gpt-4o-mini · c-1 · clear now")
                      (sluice-explain--header)))
       (should-not sluice-explain--clock)
       (should (string-search (concat "The wait is over: it was until "
                                      (format-time-string "%F %T" (+ at 432)))
                              (replace-regexp-in-string "\n *" " " (buffer-string)))))
      (sluice-explain--show (list :call "c-1" :at at :retry_after_s 5000))
      (should (timerp sluice-explain--clock))
      (should-not (string-search "The wait is over" (sluice-explain-test-page)))
      ;; While the page is shown, its time comes.
      (sluice-explain-test-on-page
       (goto-char 20)
       (setf (plist-get sluice-explain--answer :at) (- (float-time) 5001))
       (sluice-explain--tick)
       (should (= 20 (point))))
      (should-not sluice-explain--clock)
      (should (string-search "The wait is over" (sluice-explain-test-page)))
      ;; Where no time is known, none is said to be over.
      (sluice-explain--show (list :call "c-1" :at at))
      (should-not (string-search "The wait is over" (sluice-explain-test-page))))))

(ert-deftest sluice-explain-test-clears ()
  "The countdown in words."
  (should-not (sluice-explain--clears-text nil 100))
  (should (equal "clear now" (sluice-explain--clears-text 99.5 100)))
  (should (equal "clears in 0:12" (sluice-explain--clears-text 111.2 100)))
  (should (equal "clears in 2:00" (sluice-explain--clears-text 220 100)))
  (should (string-match-p "\\`clears on [0-9-]+ at [0-9:]+\\'"
                          (sluice-explain--clears-text 90000 100))))

(ert-deftest sluice-explain-test-clock ()
  "The clock runs while there is something to count, and stops when the page is hidden."
  (fake-daemon-with
    (let ((sluice-explain--clock nil))
      (sluice-explain--show (list :call "last" :reset_at (+ 100 (float-time))))
      (should (timerp sluice-explain--clock))
      (sluice-explain-test-on-page
       (should (string-match-p "clears in 1:\\(40\\|39\\)" (sluice-explain--header))))
      (kill-buffer "*Sluice explain*")
      (sluice-explain--tick)
      (should-not sluice-explain--clock))))

(ert-deftest sluice-explain-test-languages ()
  "Labels and buttons are in the language of the explanation, whatever the others are in."
  (with-temp-buffer
    (sluice-explain-mode)
    (dolist (case '(("ko" "무슨 일이에요?\n" "[g] 새로 고침") ("zh" "发生了什么\n" "[g] 刷新")
                    ("xx" "What happened\n" "[g] Refresh")))
      (setq sluice-explain--answer
            (list :explanation (list :language (car case) :title "T" :what "W")))
      (sluice-explain--draw)
      (dolist (words (cdr case))
        (should (string-search words (buffer-string)))))))

(provide 'sluice-explain-test)
;;; sluice-explain-test.el ends here
