;;; sluice-transient-test.el --- Tests of sluice-transient.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-transient)

(defmacro sluice-transient-test-with (text &rest body)
  "Run BODY with the stand-in in a buffer with TEXT from which the menu was opened."
  (declare (indent 1) (debug t))
  `(fake-daemon-with
     (with-temp-buffer
       (insert ,text)
       (let ((sluice-menu--buffer nil) (sluice-menu--pools nil)
             (sluice-host "h") (sluice-model "m") (sluice-system-prompt nil)
             (sluice-answer-place 'here) (opened nil))
         (fake-daemon-set :pools [(:host "h" :group "m" :waiting 0
                                         :dims [(:dimension "requests" :limit 60 :period_s 60
                                                            :remaining 0.6 :shape "bucket")])])
         (cl-letf (((symbol-function 'transient-setup)
                    (lambda (name &rest _) (setq opened name))))
           (call-interactively #'sluice-menu))
         (should (eq 'sluice-menu opened))
         ,@body))))

(defun sluice-transient-test-says (command)
  "Return what the menu says of COMMAND."
  (let ((description (oref (get command 'transient--suffix) description)))
    (substring-no-properties (funcall description))))

(ert-deftest sluice-transient-test-heading ()
  "Before it is sent, tokens and wait are shown."
  (sluice-transient-test-with "one two three"
    (should (equal "Send: 7 tokens, ~0.4 s wait" (sluice-menu--heading)))
    (erase-buffer)
    (should (equal "Nothing to send at point" (sluice-menu--heading)))
    (insert (string-join (make-list 1236 "word") " "))
    (with-temp-buffer
      (should (equal "Send: 1,240 tokens, ~0.4 s wait" (sluice-menu--heading))))))

(ert-deftest sluice-transient-test-choices ()
  "Host, model, system prompt and place are shown and changed."
  (sluice-transient-test-with "one two three"
    (should (equal "host             h" (sluice-transient-test-says 'sluice-menu-host)))
    (with-temp-buffer
      (sluice-menu-host "api.example.org")
      (sluice-menu-model "m2")
      (sluice-menu-system "Be brief.\nVery.")
      (sluice-menu-place))
    (pcase-dolist (`(,command . ,text)
                   '((sluice-menu-host . "api.example.org") (sluice-menu-model . "m2")
                     (sluice-menu-system . "Be brief. Very.")
                     (sluice-menu-place . "to a buffer of answers")))
      (should (string-suffix-p (concat " " text) (sluice-transient-test-says command))))
    (should (equal "m2" sluice-model))
    (should (eq 'buffer sluice-answer-place))
    (sluice-menu-system " ")
    (should-not sluice-system-prompt)))

(ert-deftest sluice-transient-test-chat ()
  "Of a chat the menu says that the answer comes there, and does not let it go elsewhere."
  (sluice-transient-test-with "one"
    (let ((sluice-answer-place 'buffer))
      (setq-local sluice-send-source-function #'ignore)
      (should (string-suffix-p " behind what was sent"
                               (sluice-transient-test-says 'sluice-menu-place)))
      (should (equal '("A chat always answers in itself")
                     (fake-daemon-messages (sluice-menu-place))))
      (should (eq 'buffer sluice-answer-place)))))

(ert-deftest sluice-transient-test-buffer-local ()
  "A buffer with a model of its own keeps the choice to itself."
  (sluice-transient-test-with "one"
    (setq-local sluice-model "mine")
    (sluice-menu-model "other")
    (should (equal "other" sluice-model))
    (should (equal "gpt-4o-mini" (default-toplevel-value 'sluice-model)))))

(defun sluice-transient-test-keys (part)
  "Return (KEY . COMMAND) for each suffix in PART of a layout.
How a layout is built differs between the versions of transient."
  (cond ((vectorp part) (mapcan #'sluice-transient-test-keys (append part nil)))
        ((not (proper-list-p part)) nil)
        ((memq :key part)
         (list (cons (cadr (memq :key part)) (cadr (memq :command part)))))
        (t (mapcan #'sluice-transient-test-keys (copy-sequence part)))))

(ert-deftest sluice-transient-test-send-is-not-return ()
  "`s' sends; RET does nothing in the menu, and no key has two meanings."
  (let ((keys (sluice-transient-test-keys (get 'sluice-menu 'transient--layout))))
    (should (eq 'sluice-menu-send (cdr (assoc "s" keys))))
    (should (eq 'sluice-doctor (cdr (assoc "D" keys))))
    (should-not (assoc "RET" keys))
    (should (= (length keys) (length (delete-dups (mapcar #'car keys)))))
    (pcase-dolist (`(,_ . ,command) keys) (should (commandp command)))
    (should (eq 'sluice-menu (lookup-key sluice-command-map "g")))))

(ert-deftest sluice-transient-test-without-a-daemon ()
  "The menu opens without a daemon; tokens are shown alone."
  (fake-daemon-without
    (with-temp-buffer
      (insert "one two three")
      (cl-letf (((symbol-function 'transient-setup) #'ignore))
        (sluice-menu))
      (should (equal "Send: 7 tokens" (sluice-menu--heading))))))

(ert-deftest sluice-transient-test-wrong-settings ()
  "The menu, by which they can be mended, is shown also with settings that have no meaning."
  (sluice-transient-test-with "one two three"
    (let ((sluice-host 7) (sluice-model '(a)))
      (should (equal "host             7" (sluice-transient-test-says 'sluice-menu-host)))
      (should (equal "model            (a)" (sluice-transient-test-says 'sluice-menu-model)))
      (should (string-prefix-p "Send: 7 tokens" (sluice-menu--heading))))))

(ert-deftest sluice-transient-test-keys-as-in-the-map ()
  "A key of the menu does what it does after the prefix key; but what the menu shows and sets is its own."
  (with-temp-buffer
    (insert-file-contents (locate-library "sluice-transient.el"))
    (let ((found 0))
      (while (re-search-forward "^ *\\[*(\"\\(.\\)\" (lambda () (sluice-gettext \"[^\"]+\")) \\([a-z-]+\\))" nil t)
        (setq found (1+ found))
        (should (equal (intern (match-string 2))
                       (lookup-key sluice-command-map (match-string 1)))))
      (should (> found 8)))))

(provide 'sluice-transient-test)
;;; sluice-transient-test.el ends here
