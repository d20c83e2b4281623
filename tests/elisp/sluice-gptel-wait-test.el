;;; sluice-gptel-wait-test.el --- Tests of sluice-gptel-wait.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-gptel)

(defvar gptel-mode)
(declare-function gptel-mode "ext:gptel")
(declare-function sluice-gptel-wait-id "sluice-gptel-wait")

(defun sluice-gptel-wait-test-shown ()
  "Return what is shown in this buffer beside its text, with its lines joined."
  (when-let* ((shown (cl-some (lambda (overlay) (overlay-get overlay 'after-string))
                              (overlays-in (point-min) (1+ (point-max))))))
    (replace-regexp-in-string "\\([^ ]\\)\n *" "\\1 " shown)))

(defun sluice-gptel-wait-test-status ()
  "Return gptel's status line."
  (substring-no-properties (or (nth 1 header-line-format) "")))

(defmacro sluice-gptel-wait-test-with (&rest body)
  "Run BODY in a chat whose prompt waits in the queue."
  `(sluice-gptel-test-with
     (let ((gptel-model 'queued) (sluice-gptel-wait--look-s 0.02) (gptel-use-header-line t) (chat (generate-new-buffer "chat")))
       (unwind-protect
           (with-current-buffer chat
             (text-mode)
             (gptel-mode 1)
             (buffer-enable-undo)
             (insert "Hello")
             (gptel-send)
             (fake-daemon-until (sluice-gptel-wait-test-shown))
             ,@body)
         (when (buffer-live-p chat) (kill-buffer chat))))))

(defun sluice-gptel-wait-test-watchers ()
  "Return who watches, but for the warnings, which the mode watches all the time."
  (remq 'sluice-warnings (mapcar #'car sluice-watch--watchers)))

(defun sluice-gptel-wait-test-clean-p ()
  "Return non-nil if nothing is left of a wait."
  (and (null sluice-gptel-wait--live) (null sluice-gptel-wait--clock)
       (null (sluice-gptel-wait-test-watchers))
       (null (remove "warnings" sluice--subscribed))
       (not (memq #'sluice-gptel-wait--forget-buffer kill-buffer-hook))
       ;; After a failure there is another note.
       (not (string-search "in line" (or (sluice-gptel-wait-test-shown) "")))))

(ert-deftest sluice-gptel-wait-test-shown-and-gone ()
  "It is said at the prompt and in the status line until the first byte; no text changes."
  (sluice-gptel-wait-test-with
   (should (string-match-p
            "\\` \n\\[number 2 in line, goes in 1:0[56], requests per minute used up, \
M-x sluice-abort stops it\\]\\'"
            (sluice-gptel-wait-test-shown)))
   ;; Short, since the name of the model stands behind it.
   (should (string-match-p "\\` number 2 in line, 1:0[56]\\'" (sluice-gptel-wait-test-status)))
   (should (equal "Hello" (string-trim (buffer-string))))
   (should sluice-gptel-wait--clock)
   (should (fake-daemon-note-follows-p " there"))
   (sluice-gptel-wait--show-all)
   (should (= (point) (overlay-start (fake-daemon-note))))
   (fake-daemon-set :go (vector (sluice-gptel-wait-id (car sluice-gptel-wait--live))))
   (fake-daemon-until (string-search sluice-gptel-test-hello (buffer-string)))
   (fake-daemon-until (sluice-gptel-wait-test-clean-p))
   (fake-daemon-until (equal " Ready" (sluice-gptel-wait-test-status)))))

(ert-deftest sluice-gptel-wait-test-abort ()
  "After an abort nothing is shown any more."
  (sluice-gptel-wait-test-with
   (gptel-abort (current-buffer))
   (fake-daemon-until (sluice-gptel-wait-test-clean-p))
   (should (equal " Abort" (sluice-gptel-wait-test-status)))
   (fake-daemon-until (equal 1 (plist-get (fake-daemon-seen) :left)))))

(ert-deftest sluice-gptel-wait-test-stopped-by-key ()
  "The note names the key that stops an answer, and that key has gptel give up the call."
  (sluice-gptel-wait-test-with
   (use-local-map (copy-keymap text-mode-map))
   (local-set-key (kbd "C-c g") sluice-command-map)
   (sluice-gptel-wait--show-all)
   (should (string-suffix-p ", C-c g k stops it]" (sluice-gptel-wait-test-shown)))
   (call-interactively (key-binding (kbd "C-c g k")))
   (should-not gptel--request-alist)
   (fake-daemon-until (sluice-gptel-wait-test-clean-p))
   (fake-daemon-until (equal 1 (plist-get (fake-daemon-seen) :left)))
   (should (string-search "No answer is on its way"
                          (cadr (should-error (sluice-abort) :type 'user-error))))))

(ert-deftest sluice-gptel-wait-test-stop-all ()
  "With a prefix argument each call of this buffer is given up, without one the newest."
  (sluice-gptel-wait-test-with
   (dotimes (_ 2) (gptel-request "More" :callback #'ignore))
   (sluice-abort)
   (should (= 2 (length gptel--request-alist)))
   (with-temp-buffer (should-error (sluice-abort t) :type 'user-error))
   (sluice-abort t)
   (should-not gptel--request-alist)))

(ert-deftest sluice-gptel-wait-test-off ()
  "When the mode goes off, gptel's own words are back."
  (sluice-gptel-wait-test-with
   (sluice-gptel-mode -1)
   (fake-daemon-until (sluice-gptel-wait-test-clean-p))
   (should (equal " Waiting..." (sluice-gptel-wait-test-status)))
   (should-not (advice-member-p 'sluice-gptel-wait-moved 'gptel--fsm-transition))))

(ert-deftest sluice-gptel-wait-test-status-of-a-program ()
  "After a call of which gptel shows nothing itself, its status line is as it was.
So it is in the header line and in the mode line, and when the call is given up."
  (dolist (header '(t nil))
    (sluice-gptel-test-with
      (let ((gptel-model 'queued) (sluice-gptel-wait--look-s 0.02) (gptel-use-header-line header)
            (chat (generate-new-buffer "chat")))
        (unwind-protect
            (with-current-buffer chat
              (text-mode)
              (gptel-mode 1)
              (let ((before (sluice-gptel-wait--status-now)))
                (dolist (end (list (lambda ()
                                     (fake-daemon-set :go (vector (sluice-gptel-wait-id
                                                                   (car sluice-gptel-wait--live)))))
                                   (lambda () (gptel-abort (current-buffer)))))
                  (gptel-request "Hello" :callback #'ignore)
                  (fake-daemon-until (string-search "in line"
                                                    (format "%s" (sluice-gptel-wait--status-now))))
                  (sluice-gptel-wait--show-all)
                  (funcall end)
                  (fake-daemon-until (sluice-gptel-wait-test-clean-p))
                  (should (equal before (sluice-gptel-wait--status-now))))))
          (when (buffer-live-p chat) (kill-buffer chat)))))))

(ert-deftest sluice-gptel-wait-test-killed-buffer ()
  "With the buffer all that waits for it goes: curl ends, and the daemon gives up the call."
  (sluice-gptel-wait-test-with
   (let ((clock sluice-gptel-wait--clock) (curl (caar gptel--request-alist)))
     (kill-buffer chat)
     (should-not (buffer-live-p chat))
     (should-not sluice-gptel-wait--live)
     (should-not gptel--request-alist)
     (should-not (process-live-p curl))
     (fake-daemon-until (equal 1 (plist-get (fake-daemon-seen) :left)))
     (should-not (memq clock timer-list))
     (fake-daemon-until (null (sluice-gptel-wait-test-watchers))))))

(ert-deftest sluice-gptel-wait-test-killed-before-it-was-shown ()
  "Where no wait was shown, a call goes on: its program may want the answer elsewhere."
  (sluice-gptel-test-with
    (let ((gptel-model 'slow) (buffer (generate-new-buffer "short")))
      (with-current-buffer buffer (gptel-request "Hello" :callback #'ignore))
      (kill-buffer buffer)
      (should-not sluice-gptel-wait--live)
      (should (= 1 (length gptel--request-alist))))))

(ert-deftest sluice-gptel-wait-test-daemon-lost ()
  "When the daemon goes away, nothing waits any more."
  (sluice-gptel-wait-test-with
   (fake-daemon-messages
     (fake-daemon-kill)
     (fake-daemon-until (sluice-gptel-wait-test-clean-p)))))

(ert-deftest sluice-gptel-wait-test-several-at-one-place ()
  "Of several calls for one place the oldest is shown, and how many there are."
  (sluice-gptel-wait-test-with
   (dotimes (_ 2) (gptel-request "More" :callback #'ignore))
   (fake-daemon-until (string-search "(and 2 more)" (or (sluice-gptel-wait-test-shown) "")))
   (should (= 1 (length (overlays-in (point-min) (1+ (point-max))))))))

(ert-deftest sluice-gptel-wait-test-told-too-early ()
  "Nobody listens at first; what the daemon has told before is asked for."
  (sluice-gptel-test-with
    (let ((sluice-gptel-wait--live nil) (gptel-model 'slow) (sluice-gptel-wait--look-s 0.01))
      (with-temp-buffer
        (gptel-request "Hello" :callback #'ignore)
        (let ((id (sluice-gptel-wait-id (car sluice-gptel-wait--live))))
          (should-not (sluice-gptel-wait-test-watchers))
          (fake-daemon-set :queue (vector (list :id "c1" :ref id :place 1 :waits_for "100%"))))
        (fake-daemon-until (sluice-gptel-wait-test-shown))
        (should (equal " \n[next in line, 100%, M-x sluice-abort stops it]" (sluice-gptel-wait-test-shown)))
        (gptel-abort (current-buffer))
        (fake-daemon-until (sluice-gptel-wait-test-clean-p))))))

(ert-deftest sluice-gptel-wait-test-language ()
  "What it waits for is asked for in the language of the person, though chosen since."
  (let ((sluice-language nil))
    (sluice-gptel-test-with
      (sluice-connection)
      (let ((gptel-model 'queued) (sluice-gptel-wait--look-s 0.02) (sluice-language "zh"))
        (with-temp-buffer
          (gptel-request "Hello" :callback #'ignore)
          (fake-daemon-until (sluice-gptel-wait-test-shown))
          (should (equal "zh" (plist-get (car (last (plist-get (fake-daemon-seen) :greetings)))
                                         :language)))
          (gptel-abort (current-buffer)))))))

(ert-deftest sluice-gptel-wait-test-words ()
  "The words, for each kind of place and time."
  (pcase-dolist (`(,row . ,words)
                 '(((:place 1 :eta_at 112 :waits_for "x") . "next in line, goes in 0:12, x")
                   ((:place 2 :eta_at 99) . "number 2 in line, goes now")
                   ((:place 3 :eta_at nil :waits_for "") . "number 3 in line")
                   ((:place 11 :eta_at 3701) . "number 11 in line, goes in 1:00:01")
                   ((:place 22) . "number 22 in line") ((:place 101) . "number 101 in line")
                   ((:place nil :eta_at 160) . "waits, goes in 1:00")))
    (should (equal words (sluice-gptel-wait-words row 100)))))

(provide 'sluice-gptel-wait-test)
;;; sluice-gptel-wait-test.el ends here
