;;; sluice-calls-test.el --- Tests of sluice-calls.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-calls)

(defun sluice-calls-test-queue ()
  "Return a queue as the daemon tells it."
  (let ((now (float-time)))
    (vector (list :id "c1" :place 1 :client "gptel" :model "gpt-4o" :host "h"
                  :waits_for "requests per minute used up" :eta_at (+ now 65.5)
                  :eta_low_at (+ now 60.5) :eta_high_at (+ now 90.5) :since (- now 10)
                  :attempts 0)
            (list :id "c-gone" :place 2 :client "한국 100%" :model "gpt-4o" :host "h"
                  :waits_for "its turn" :eta_at nil :since now :attempts 1))))

(defconst sluice-calls-test-log
  [(:id "c3" :state "failed" :client "curl" :model "gpt-4o" :host "h" :started_at 1000
        :duration_s 1.25 :line "No credit left.")
   (:id "c2" :state "done" :client "gptel" :model "claude" :host "h2" :started_at 990
        :duration_s nil :line nil)]
  "Calls as the daemon tells them.")

(defmacro sluice-calls-test-in (command &rest body)
  "Run BODY in the list that COMMAND shows."
  (declare (indent 1))
  `(fake-daemon-with
     (fake-daemon-set :queue (sluice-calls-test-queue) :calls sluice-calls-test-log)
     (fake-daemon-in-width 120
       (,command)
       (fake-daemon-until sluice-dashboard--state)
       (goto-char (point-min))
       ,@body)))

(defun sluice-calls-test-press (key)
  "Do what KEY does here."
  (call-interactively (key-binding (kbd key))))

(ert-deftest sluice-calls-test-queue-shown ()
  "Place, countdown, client, model and cause of each call."
  (sluice-calls-test-in sluice-queue
    (should (string-match-p
             " +1 +1:0[56] gptel +gpt-4o +requests per minute used up\n +2 +\\? 한국 100% +gpt-4o +its turn"
             (buffer-string)))))

(ert-deftest sluice-calls-test-queue-moving ()
  "u and d move a call by one class; where there is none it is said."
  (sluice-calls-test-in sluice-queue
    (fake-daemon-set :queue [(:id "c1" :place 1 :priority "normal")
                             (:id "c2" :place 2 :priority "interactive")
                             (:id "c-gone" :place 3 :priority "batch")]
                     :tell "queue")
    (fake-daemon-until (= 3 (length sluice-dashboard--rows)))
    (pcase-dolist (`(,line ,key . ,words)
                   '((0 "u" . "It goes as soon as calls that a person waits for")
                     (0 "d" . "It goes when nothing else waits")
                     (1 "d" . "It goes after calls that a person waits for")
                     (2 "u" . "That call waits no longer")))
      (goto-char (point-min))
      (forward-line line)
      (should (equal (list words) (fake-daemon-messages (sluice-calls-test-press key)))))
    (pcase-dolist (`(,line . ,key) '((1 . "u") (2 . "d")))
      (goto-char (point-min))
      (forward-line line)
      (should-error (sluice-calls-test-press key) :type 'user-error))
    (should (equal '("promote c1 interactive" "promote c1 batch" "promote c2 normal"
                     "promote c-gone normal")
                   (cl-remove-if-not (lambda (text) (string-prefix-p "promote" text))
                                     (plist-get (fake-daemon-seen) :asked))))))

(ert-deftest sluice-calls-test-queue-visit ()
  "RET goes to the buffer of a call from this Emacs, by its id or its own name."
  (with-temp-buffer
    (let ((home (current-buffer)))
      (dolist (name '("c1" "mine"))
        (sluice-note-call name home)
        (sluice-calls-test-in sluice-queue
          (fake-daemon-set :queue [(:id "c1" :ref "mine" :place 1)] :tell "queue")
          (fake-daemon-until (= 1 (length sluice-dashboard--rows)))
          (goto-char (point-min))
          (sluice-calls-test-press "RET")
          (should (eq home (window-buffer))))))))

(ert-deftest sluice-calls-test-queue-keys ()
  "RET says why, k cancels after asking, p promotes, w copies, g asks the daemon."
  (sluice-calls-test-in sluice-queue
    (fake-daemon-messages (sluice-calls-test-press "w"))
    (should (string-suffix-p "# c1" (current-kill 0)))
    (should (string-match-p
             "gpt-4o of gptel to h waits for: requests per minute used up.  It has waited 0:1[01] and goes in 1:0[01] to 1:3[01]"
             (car (fake-daemon-messages (sluice-calls-test-press "RET")))))
    (cl-letf (((symbol-function 'y-or-n-p) #'ignore))
      (sluice-calls-test-press "k"))
    (cl-letf (((symbol-function 'y-or-n-p) #'always))
      (should (equal '("Cancelled") (fake-daemon-messages (sluice-calls-test-press "k"))))
      (sluice-calls-test-press "p")
      (goto-char (point-min))
      (forward-line 1)
      (should (equal '("That call waits no longer")
                     (fake-daemon-messages (sluice-calls-test-press "p")))))
    (let ((asked (plist-get (fake-daemon-seen) :asked)))
      (should (equal '("cancel c1" "promote c1 interactive" "promote c-gone interactive")
                     (remove "queue" asked))))
    ;; The second one was sent before and failed: its steps say why.
    (sluice-calls-test-press "RET")
    (with-current-buffer "*Sluice call*"
      (should (equal "c-gone" (plist-get sluice-steps--call :id))))))

(ert-deftest sluice-calls-test-help-has-all-keys ()
  "What \\[describe-mode] says of a list names each of its own keys that does something."
  (dolist (mode '(sluice-queue-mode sluice-log-mode))
    (let ((text (documentation mode t)))
      (map-keymap (lambda (_key command)
                    (unless (eq command 'keymap)
                      (should (string-search (format "\\[%s]" command) text))))
                  (let ((map (copy-sequence (symbol-value (intern (format "%s-map" mode))))))
                    (set-keymap-parent map nil)
                    map)))))

(ert-deftest sluice-calls-test-sort ()
  "A list is sorted by the column at point, the first one at the beginning of a line,
and back; of a column that cannot be sorted it is said which can."
  (sluice-calls-test-in sluice-log
    (sluice-calls-test-press "S")
    (should (equal "c2" (tabulated-list-get-id (point-min))))
    (goto-char (point-min))
    (sluice-calls-test-press "S")
    (should (equal "c3" (tabulated-list-get-id (point-min))))
    (goto-char (point-min))
    (search-forward "gptel")
    (backward-char)
    (sluice-calls-test-press "S")
    (should (equal '("Client") tabulated-list-sort-key))
    (goto-char (point-min))
    (search-forward "1.2")
    (backward-char)
    (should (string-match-p "cannot be sorted by Took, but by: At, State, Client, Model"
                            (cadr (should-error (sluice-calls-test-press "S") :type 'user-error))))))

(ert-deftest sluice-calls-test-narrow ()
  "In a narrow window the log leaves out columns, and has room for what happened."
  (sluice-calls-test-in sluice-log
    (pcase-dolist (`(,width . ,columns)
                   '((120 "At" "State" "Took" "Client" "Model" "What happened")
                     (80 "At" "State" "Client" "Model" "What happened")
                     (60 "At" "State" "Model" "What happened")))
      (fake-daemon-in-width width
        (sluice-dashboard--resized (selected-window))
        (should (equal columns (mapcar #'car (append tabulated-list-format nil))))
        (should (<= 25 (fake-daemon-room-of-last-column)))))))

(ert-deftest sluice-calls-test-narrow-and-sorted ()
  "A list that was sorted by a column for which there is no room any more is shown all
the same, in its own order."
  (sluice-calls-test-in sluice-log
    (setq tabulated-list-sort-key '("Client"))
    (sluice-dashboard--draw)
    (should tabulated-list-sort-key)
    (fake-daemon-in-width 60
      (sluice-dashboard--draw)
      (should-not tabulated-list-sort-key)
      (should (equal "c3" (tabulated-list-get-id (point-min)))))))

(ert-deftest sluice-calls-test-not-modified ()
  "A list is not marked as modified, also when it says something below."
  (dolist (command '(sluice-queue sluice-log))
    (fake-daemon-with
      (save-window-excursion
        (funcall command)
        (fake-daemon-until sluice-dashboard--state)
        (should (> (buffer-size) 0))
        (should-not (buffer-modified-p))))))

(ert-deftest sluice-calls-test-not-on-a-call ()
  "Below the list the keys say that there is no call."
  (sluice-calls-test-in sluice-queue
    (goto-char (point-max))
    (dolist (key '("RET" "k" "p" "w"))
      (should-error (sluice-calls-test-press key) :type 'user-error))))

(ert-deftest sluice-calls-test-log-shown ()
  "The newest calls; a failed one is marked, with what happened."
  (sluice-calls-test-in sluice-log
    (should (string-match-p "! failed +1\\.[23] s curl +gpt-4o +No credit left\\.\n.* done +gptel +claude +h2"
                            (buffer-string)))
    (search-forward "! failed")
    (should (eq 'sluice-failed (get-text-property (1- (point)) 'face)))))

(ert-deftest sluice-calls-test-no-step ()
  "A call that cannot be moved is said to be what it is."
  (should (string-search "next in line already" (sluice-queue--no-step 1 1)))
  (should (string-match-p "those before it.*cancel one" (sluice-queue--no-step 1 3)))
  (should (string-search "when nothing else waits already" (sluice-queue--no-step -1 3))))

(ert-deftest sluice-calls-test-another-language ()
  "The titles of a list, and what it says when it is empty, follow the language."
  (fake-daemon-with
    (let ((sluice-language "en"))
      (save-window-excursion
        (sluice-queue)
        (fake-daemon-until sluice-dashboard--state)
        (should (assoc "Place" (append tabulated-list-format nil)))
        (let ((sluice-language "ko"))
          (sluice-queue)
          (sluice-dashboard--draw)
          (should (assoc "순서" (append tabulated-list-format nil)))
          (should (string-search "기다리는 요청이 없어요." (buffer-string))))
        (sluice-dashboard--draw)
        (should (assoc "Place" (append tabulated-list-format nil)))))))

(ert-deftest sluice-calls-test-all-states-fit ()
  "Each state is whole in its column, in all languages."
  (dolist (sluice-language '("en" "ko" "zh"))
    (dolist (state '("queued" "held" "running" "done" "failed" "cancelled" "interrupted"))
      (should (<= (string-width (aref (cadr (sluice-log--line (list :id "c" :state state :started_at 0) 0)) 1))
                  (sluice-log--state-width))))))

(ert-deftest sluice-calls-test-body-not-kept ()
  "Of a call whose body was not kept no command is offered; who asks is told what to set."
  (let ((row '(:id "c2" :state "done" :request (:kept 0 :bytes 9))))
    (with-temp-buffer
      (sluice-steps-mode)
      (sluice-steps--draw row)
      (should-not (string-search "[w]" (buffer-string)))
      (sluice-steps--draw '(:id "c2" :state "done" :request (:kept 9 :bytes 9)))
      (should (string-search "[w]" (buffer-string))))
    (fake-daemon-with
      (sluice-connection)
      (cl-letf (((symbol-function 'sluice-ask)
                 (lambda (method &rest _)
                   (if (equal method "curl") (user-error "Not kept") row))))
        (should (string-match-p "was not kept.*journal\\.bodies.*send it again"
                                (cadr (should-error (sluice-copy-curl-of "c2") :type 'user-error))))
        (setq row '(:id "c2" :request (:kept 9 :bytes 9)))
        (should (equal "Not kept"
                       (cadr (should-error (sluice-copy-curl-of "c2") :type 'user-error))))))))

(ert-deftest sluice-calls-test-log-keys ()
  "RET and e explain, w copies, f leaves the failed ones and brings the others back."
  (sluice-calls-test-in sluice-log
    (fake-daemon-messages (sluice-calls-test-press "w"))
    (should (string-suffix-p "# c3" (current-kill 0)))
    (sluice-calls-test-press "f")
    (fake-daemon-until (= 1 (length sluice-dashboard--rows)))
    (should (equal " failed" mode-line-process))
    (sluice-calls-test-press "f")
    (fake-daemon-until (= 2 (length sluice-dashboard--rows)))
    (should (eq (key-binding "e") (key-binding (kbd "RET"))))
    (goto-char (point-min))
    (sluice-calls-test-press "RET")
    (with-current-buffer "*Sluice explain*"
      (should (equal "c3" (plist-get sluice-explain--question :call))))))

(ert-deftest sluice-calls-test-log-steps ()
  "RET on a call that has not failed shows its steps; there are the usual keys."
  (sluice-calls-test-in sluice-log
    (forward-line 1)
    (sluice-calls-test-press "RET")
    (should (equal "*Sluice call*" (buffer-name (window-buffer))))
    (with-current-buffer "*Sluice call*"
      (should (equal (concat "done\n\nSteps\n"
                             (format-time-string "  %T came in\n" 990.5)
                             (format-time-string "  %T sent\n" 991)
                             "\n[w] Copy curl  [g] Refresh  [q] Quit\n")
                     (buffer-string)))
      (should (equal (concat (format-time-string "%F %T" 990) " · h2 · claude · gptel · c2")
                     (sluice-steps--header)))
      (fake-daemon-set :calls [(:id "c2" :state "cancelled" :line "100% cancelled")] :queue [])
      (sluice-calls-test-press "g")
      (should (string-prefix-p "cancelled\n100% cancelled\n" (buffer-string)))
      (fake-daemon-messages (sluice-calls-test-press "w"))
      (should (string-suffix-p "# c2" (current-kill 0))))))

(ert-deftest sluice-calls-test-log-hears ()
  "A failure, and any change of the queue, make it ask again."
  (sluice-calls-test-in sluice-log
    (fake-daemon-set :calls [] :tell "error")
    (fake-daemon-until (null sluice-dashboard--rows))
    (should (string-search "There are no calls yet." (buffer-string)))
    (fake-daemon-set :calls sluice-calls-test-log)
    (fake-daemon-set :queue [] :tell "queue")
    (fake-daemon-until (= 2 (length sluice-dashboard--rows)))))

(provide 'sluice-calls-test)
;;; sluice-calls-test.el ends here
