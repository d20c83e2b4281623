;;; sluice-gptel-failure-test.el --- Tests of sluice-gptel-failure.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-gptel)

(defun sluice-gptel-failure-test-shown ()
  "Return what is shown in this buffer beside its text."
  (cl-some (lambda (overlay) (overlay-get overlay 'after-string))
           (overlays-in (point-min) (1+ (point-max)))))

(defun sluice-gptel-failure-test-press (key)
  "Do what KEY does after the prefix key."
  (call-interactively (key-binding (kbd (concat "C-c ? " key)))))

(defmacro sluice-gptel-failure-test-with (model reset-in &rest body)
  "Run BODY in a buffer in which a call to MODEL failed that clears after RESET-IN."
  (declare (indent 2))
  `(sluice-gptel-test-with
     (fake-daemon-set :reset_at ,(and reset-in `(+ ,reset-in (float-time))))
     (let ((gptel-model ,model))
       (with-temp-buffer
         (buffer-enable-undo)
         (insert "Hello")
         (undo-boundary)
         (set-buffer-modified-p nil)
         (fake-daemon-messages
           (gptel-send)
           (fake-daemon-until sluice-gptel-failure--here))
         ,@body))))

(ert-deftest sluice-gptel-failure-test-keys ()
  "The keys are named, explain and copy that call, and no text changes."
  (sluice-gptel-failure-test-with 'no-credit nil
    (should (equal " \n[Failed.  C-c ? then e explain, w copy curl, d dismiss]"
                   (sluice-gptel-failure-test-shown)))
    (should (equal "Hello" (buffer-string)))
    (should-not (buffer-modified-p))
    (let ((id sluice-failed-call))
      (fake-daemon-messages (sluice-gptel-failure-test-press "w"))
      (should (string-suffix-p (concat "# " id) (current-kill 0)))
      (save-current-buffer
        (save-window-excursion
          (sluice-gptel-failure-test-press "e")
          (should (equal id (plist-get sluice-explain--question :call))))))
    (should (string-match-p "will not help"
                            (cadr (should-error (sluice-gptel-failure-test-press "t")
                                                :type 'user-error))))
    (sluice-gptel-failure-test-press "d")
    (should-not (sluice-gptel-failure-test-shown))
    (should-not sluice-gptel-failure-mode)
    (should-error (sluice-gptel-failure-explain) :type 'user-error)))

(ert-deftest sluice-gptel-failure-test-send-again ()
  "The same request goes again; its answer stands where it should."
  (sluice-gptel-failure-test-with 'busy nil
    (should (string-search "t send again, w" (sluice-gptel-failure-test-shown)))
    (sluice-gptel-failure-test-press "t")
    (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
    (should-not (sluice-gptel-failure-test-shown))
    (let ((http (sluice-gptel-test-http)))
      (should (= 2 (length http)))
      (should (equal (plist-get (nth 0 http) :body) (plist-get (nth 1 http) :body))))))

(ert-deftest sluice-gptel-failure-test-when-it-clears ()
  "Before it clears, sending again waits for that, and can be given up."
  (sluice-gptel-failure-test-with 'busy 0.4
    (should (string-match-p "t send again at [0-9:]+, w" (sluice-gptel-failure-test-shown)))
    (sluice-gptel-failure-test-press "t")
    (should (fake-daemon-note-follows-p " there"))
    (should (string-match-p "\\[Will be sent again at [0-9:]+\\.  C-c \\? then d do not send it\\]"
                            (sluice-gptel-failure-test-shown)))
    (should (= 1 (length (sluice-gptel-test-http))))
    (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string))))
  (sluice-gptel-failure-test-with 'busy 100
    (sluice-gptel-failure-test-press "t")
    (let ((timer (sluice-gptel-failure-timer sluice-gptel-failure--here)))
      (should (memq timer timer-list))
      (sluice-gptel-failure-test-press "d")
      (should-not (memq timer timer-list)))))

(ert-deftest sluice-gptel-failure-test-the-time-has-come ()
  "When it has cleared, the note names no time any more; dismissed, it has no clock."
  (sluice-gptel-failure-test-with 'busy 100
    (should (string-match-p "t send again at [0-9:]+, w" (sluice-gptel-failure-test-shown)))
    (setf (sluice-gptel-failure-reset-at sluice-gptel-failure--here) (- (float-time) 1))
    (sluice-gptel-failure-test-let-pass (sluice-gptel-failure-clock sluice-gptel-failure--here))
    (should (string-search "t send again, w" (sluice-gptel-failure-test-shown)))
    (should (= 1 (length (sluice-gptel-test-http)))))
  (sluice-gptel-failure-test-with 'busy 100
    (let ((clock (sluice-gptel-failure-clock sluice-gptel-failure--here)))
      (should (memq clock timer-list))
      (sluice-gptel-failure-test-press "d")
      (should-not (memq clock timer-list)))))

(ert-deftest sluice-gptel-failure-test-clears-at ()
  "The instant that is told counts, else the wait from now on, else nothing is known."
  (pcase-dolist (`(,told ,at) '(((:reset_at 120.5 :retry_after_s 3) 120.5)
                                ((:reset_at :null :retry_after_s 30.0) 130.0)
                                ((:reset_at nil :retry_after_s nil) nil)
                                ((:reset_at :null :retry_after_s :null) nil) (nil nil)))
    (should (equal at (sluice-gptel-failure--clears-at told 100)))))

(ert-deftest sluice-gptel-failure-test-gone ()
  "A new request takes it away, and so does turning the mode off."
  (sluice-gptel-failure-test-with 'no-credit nil
    (let ((gptel-model 'ok)) (gptel-send))
    (should-not (sluice-gptel-failure-test-shown))
    (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
    (should-not (sluice-gptel-failure-test-shown)))
  (sluice-gptel-failure-test-with 'no-credit nil
    (sluice-gptel-mode -1)
    (should-not (sluice-gptel-failure-test-shown))
    (should-not sluice-gptel-failure-mode)))

(ert-deftest sluice-gptel-failure-test-cancelled ()
  "A call that was cancelled in the queue is no failure: only keys that work are named.
The others say why they do nothing, and sending it again works."
  (sluice-gptel-failure-test-with 'cancelled nil
    (should (equal " \n[Cancelled.  C-c ? then t send again, d dismiss]"
                   (sluice-gptel-failure-test-shown)))
    (should-not sluice-failed-call)
    (dolist (key '("e" "w"))
      (should (string-search "was cancelled"
                             (cadr (should-error (sluice-gptel-failure-test-press key)
                                                 :type 'user-error)))))
    (sluice-gptel-failure-test-press "t")
    (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
    (should-not (sluice-gptel-failure-test-shown))))

(ert-deftest sluice-gptel-failure-test-refused-after-another ()
  "A call that is not sent, as there is no daemon, is what the note and its keys are for.
When there is one, it can be sent from there."
  (sluice-gptel-failure-test-with 'no-credit nil
    (let ((gptel-model 'ok) (old sluice-failed-call))
      (fake-daemon-messages
        (fake-daemon-kill)
        (fake-daemon-until (not (sluice-rpc-live-p sluice--connection)))
        (gptel-send)
        (fake-daemon-until (not (equal old (sluice-gptel-failure-call sluice-gptel-failure--here)))))
      (should (equal " \n[Failed.  C-c ? then e explain, t send again, d dismiss]"
                     (sluice-gptel-failure-test-shown)))
      (should (= 1 (length (sluice-gptel-failure-test-all-shown))))
      (save-current-buffer
        (save-window-excursion
          (sluice-gptel-failure-test-press "e")
          (should (string-prefix-p "Sluice is not running"
                                   (with-current-buffer "*Sluice explain*" (buffer-string))))))
      (fake-daemon-start)
      (fake-daemon-messages
        (sluice-gptel-failure-test-press "t")
        (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string))))
      (should-not (sluice-gptel-failure-test-shown)))))

(ert-deftest sluice-gptel-failure-test-unknown-host ()
  "Of a host that the daemon does not know only what it said is known: no key asks for more.
The explanation names what to set, with the address as gptel reaches it."
  (pcase-dolist (`(,protocol . ,entry)
                 '(("http" . "{host: 'box\\.lan:8080', url: 'http://box\\.lan:8080', insecure: true,")
                   ("https" . "{host: 'box\\.lan:8080', provider: openai-compatible}")))
    (sluice-gptel-test-with
      (let ((gptel-model 'unknown) (shown nil)
            (gptel-backend (gptel-make-openai "T-Box" :host "box.lan:8080" :protocol protocol
                                              :key "CANARY-key" :stream t :models '(unknown))))
        (with-temp-buffer
          (insert "Hello")
          (fake-daemon-catching shown
            (gptel-send)
            (fake-daemon-until (sluice-gptel-test-told "sluice-gptel-direct-hosts" shown)))
          (should (equal " \n[Failed.  C-c ? then e explain, d dismiss]"
                         (sluice-gptel-failure-test-shown)))
          (dolist (key '("t" "w"))
            (should-error (sluice-gptel-failure-test-press key) :type 'user-error))
          (save-current-buffer
            (save-window-excursion
              (sluice-gptel-failure-test-press "e")
              (let ((page (replace-regexp-in-string
                           "[ \n]+" " " (with-current-buffer "*Sluice explain*" (buffer-string)))))
                (should (string-prefix-p "Sluice does not know the host box.lan:8080" page))
                (should (string-search (format "%S" "\\`box\\.lan\\'") page))
                (should (string-match-p entry page))))))))))

(ert-deftest sluice-gptel-failure-test-note-behind-what-is-typed ()
  "The cursor stays at the prompt, and what is typed there stands before the note."
  (sluice-gptel-failure-test-with 'no-credit nil
    (should (fake-daemon-note-follows-p " there"))
    (should (equal "Hello there" (buffer-string)))))

(defun sluice-gptel-failure-test-let-pass (timer)
  "Do now what TIMER is to do, as if its time had come."
  (cancel-timer timer)
  (let ((inhibit-quit t))
    (apply (timer--function timer) (timer--args timer))))

(ert-deftest sluice-gptel-failure-test-another-major-mode ()
  "The note, its keys and what it promises outlive a change of the major mode."
  (sluice-gptel-failure-test-with 'busy 100
    (let ((id sluice-failed-call))
      (sluice-gptel-failure-test-press "t")
      (text-mode)
      (should (string-search "Will be sent again" (sluice-gptel-failure-test-shown)))
      (should (equal id sluice-failed-call))
      (sluice-gptel-failure-test-let-pass (sluice-gptel-failure-timer sluice-gptel-failure--here))
      (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
      (should-not (sluice-gptel-failure-test-shown))))
  (sluice-gptel-failure-test-with 'no-credit nil
    (text-mode)
    (sluice-gptel-failure-test-press "d")
    (should-not (sluice-gptel-failure-test-shown))
    (should-not sluice-gptel-failure-mode)))

(defun sluice-gptel-failure-test-all-shown ()
  "Return all that is shown in this buffer beside its text, sorted."
  (sort (delq nil (mapcar (lambda (overlay) (overlay-get overlay 'after-string))
                          (overlays-in (point-min) (1+ (point-max)))))
        #'string<))

(ert-deftest sluice-gptel-failure-test-promise-is-kept ()
  "What was promised to be sent again is, whatever else this buffer has sent meanwhile."
  (sluice-gptel-failure-test-with 'busy 100
    (sluice-gptel-failure-test-press "t")
    (let ((timer (sluice-gptel-failure-timer sluice-gptel-failure--here))
          (gptel-model 'ok))
      (gptel-send)
      (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
      (should (string-search "Will be sent again" (sluice-gptel-failure-test-shown)))
      (should (memq timer timer-list))
      (sluice-gptel-failure-test-let-pass timer)
      (should-not (sluice-gptel-failure-test-shown))
      (fake-daemon-until (= 2 (cl-count sluice-gptel-test-hello
                                        (split-string (buffer-string) "\n+") :test #'equal)))
      (let ((http (sluice-gptel-test-http)))
        (should (equal '("busy" "ok" "busy") (mapcar (lambda (r) (plist-get r :behaviour)) http)))
        (should (equal (plist-get (nth 0 http) :body) (plist-get (nth 2 http) :body)))))))

(ert-deftest sluice-gptel-failure-test-promise-elsewhere ()
  "What was promised at another prompt names its key, which works with the cursor there."
  (sluice-gptel-failure-test-with 'busy 100
    (sluice-gptel-failure-test-press "t")
    (let ((promised sluice-gptel-failure--here) (gptel-model 'no-credit))
      (goto-char (point-min))
      (insert "Another\n\n")
      (goto-char (line-end-position -1))
      (fake-daemon-messages
        (gptel-send)
        (fake-daemon-until (not (eq promised sluice-gptel-failure--here))))
      (should (string-match-p "Will be sent again at [0-9:]+\\.  With the cursor here: C-c \\? then d do not"
                              (replace-regexp-in-string
                               "\n *" " " (overlay-get (sluice-gptel-failure-overlay promised)
                                                       'after-string))))
      (goto-char (point-max))
      (sluice-gptel-failure-test-press "d")
      (should-not (overlay-buffer (sluice-gptel-failure-overlay promised)))
      (should-not (memq (sluice-gptel-failure-timer promised) timer-list))
      (should sluice-gptel-failure--here))))

(ert-deftest sluice-gptel-failure-test-promise-with-its-own-key ()
  "What is sent again goes with the key of its own backend, though another one was chosen since."
  (sluice-gptel-failure-test-with 'busy 100
    (sluice-gptel-failure-test-press "t")
    (let ((timer (sluice-gptel-failure-timer sluice-gptel-failure--here))
          (gptel-backend (gptel-make-openai "T-Other" :host "api.mistral.ai" :key "CANARY-other-1"
                                            :stream t :models '(ok))))
      (sluice-gptel-failure-test-let-pass timer)
      (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
      (fake-daemon-until (null gptel--request-alist)) ; its sentinel still looks at the backend
      (let ((http (sluice-gptel-test-http)))
        (should (= 2 (length http)))
        (should (equal (plist-get (plist-get (nth 0 http) :headers) :authorization)
                       (plist-get (plist-get (nth 1 http) :headers) :authorization)))))))

(ert-deftest sluice-gptel-failure-test-promise-beside-a-failure ()
  "A newer failure has the keys; when it is dismissed, what was promised has them again.
A failure without a promise gives way to the newer one as ever."
  (sluice-gptel-failure-test-with 'busy 100
    (sluice-gptel-failure-test-press "t")
    (let ((promised sluice-gptel-failure--here) (gptel-model 'no-credit) (older nil))
      (dotimes (_ 2)
        (setq older sluice-gptel-failure--here)
        (fake-daemon-messages
          (gptel-send)
          (fake-daemon-until (and sluice-gptel-failure--here
                                  (not (memq sluice-gptel-failure--here (list older promised)))))))
      (should (string-match-p "\\`(\" 
\\[Failed\\.  C-c [^]]+\\]\" \" 
\\[Will be sent again at [0-9:]+\\.\\]\")\\'"
                              (format "%S" (mapcar #'substring-no-properties
                                                   (sluice-gptel-failure-test-all-shown)))))
      (sluice-gptel-failure-test-press "d")
      (should (eq promised sluice-gptel-failure--here))
      (should (string-match-p "\\` \n\\[Will be sent again at [0-9:]+\\.  C-c \\? then d do not send it\\]\\'"
                              (sluice-gptel-failure-test-shown)))
      (sluice-gptel-failure-test-press "d")
      (should-not (memq (sluice-gptel-failure-timer promised) timer-list))
      (should-not (sluice-gptel-failure-test-shown))
      (should-not sluice-gptel-failure-mode))))

(ert-deftest sluice-gptel-failure-test-no-daemon ()
  "Without a daemon nothing is sent again: it is said, and the note stays for later.
When its time has come nobody is asked in the middle of what is being typed."
  (sluice-gptel-failure-test-with 'busy 100
    (let ((sluice-start-daemon 'ask) (noninteractive nil) (asked nil) (shown nil))
      (cl-letf (((symbol-function 'y-or-n-p) (lambda (text) (push text asked) (signal 'quit nil))))
        (sluice-gptel-failure-test-press "t")
        (fake-daemon-messages (fake-daemon-kill) (fake-daemon-until (not sluice--connection)))
        (fake-daemon-catching shown
          (sluice-gptel-failure-test-let-pass (sluice-gptel-failure-timer sluice-gptel-failure--here)))
        (should (string-match-p "not running, so nothing was sent.*sluice-start" (car shown)))
        (should-not asked)
        (should (string-search "t send again at" (sluice-gptel-failure-test-shown)))
        (setf (sluice-gptel-failure-reset-at sluice-gptel-failure--here) nil)
        (should (eq 'quit (condition-case nil (sluice-gptel-failure-test-press "t") (quit 'quit))))
        (should asked)
        (should (string-search "t send again at" (sluice-gptel-failure-test-shown)))))))

(ert-deftest sluice-gptel-failure-test-promise-off ()
  "With the mode off nothing is shown, and nothing is sent later."
  (sluice-gptel-failure-test-with 'busy 100
    (sluice-gptel-failure-test-press "t")
    (let ((timer (sluice-gptel-failure-timer sluice-gptel-failure--here))
          (gptel-model 'no-credit) (id sluice-failed-call))
      (fake-daemon-messages
        (gptel-send)
        (fake-daemon-until (not (equal id sluice-failed-call))))
      (sluice-gptel-mode -1)
      (should-not (memq timer timer-list))
      (should-not (sluice-gptel-failure-test-all-shown))
      (should-not sluice-gptel-failure-mode))))

(ert-deftest sluice-gptel-failure-test-cut ()
  "After an answer that was cut there is no sending again: a part is there."
  (sluice-gptel-failure-test-with 'cut nil
    (should-not (string-search "send again" (sluice-gptel-failure-test-shown)))))

(ert-deftest sluice-gptel-failure-test-daemon-died ()
  "After the daemon died before a byte had come, the whole request goes again.
The failure is noted once: what the daemon would have hidden is looked for after it."
  (sluice-gptel-test-with
    (let* ((gptel-model 'slow) (noted nil) (shown nil) (body nil)
           (sluice-failure-functions (list (lambda (id &rest _) (push id noted)))))
      (with-temp-buffer
        (insert "Hello")
        (fake-daemon-catching shown
          (gptel-send)
          (setq body (plist-get (car (fake-daemon-until (sluice-gptel-test-http))) :body))
          (fake-daemon-kill)
          (fake-daemon-until (sluice-gptel-test-told "Start it with\\|cut off" shown)))
        (should (equal "Hello" (plist-get (car (last (plist-get body :messages))) :content)))
        (fake-daemon-start)
        (fake-daemon-messages
          (sluice-gptel-failure-test-press "t")
          (should (equal body (plist-get (car (fake-daemon-until (sluice-gptel-test-http)))
                                         :body))))
        (should (= 1 (length noted)))))))

(ert-deftest sluice-gptel-failure-test-languages ()
  "The note names the keys in the language of the person; the keys are the same."
  (let ((sluice-language "ko"))
    (sluice-gptel-failure-test-with 'no-credit nil
      (should (equal " \n[실패했어요. C-c ? 다음에 e 설명, w curl 복사, d 닫기]"
                     (sluice-gptel-failure-test-shown)))))
  (let ((sluice-language "zh"))
    (sluice-gptel-failure-test-with 'busy 100
      (should (string-match-p "\\` \n\\[失败了。先按 C-c \\?，再按 e 说明，t 到 [0-9:]+ 重发，w 复制 curl，d 收起\\]"
                              (sluice-gptel-failure-test-shown))))))

(provide 'sluice-gptel-failure-test)
;;; sluice-gptel-failure-test.el ends here
