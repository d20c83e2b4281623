;;; sluice-keys-test.el --- Tests of sluice-keys.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'fake-daemon)
(require 'sluice-keys)

(defconst sluice-keys-test-key "CANARY-emacs-told-9c2e8b7a6053" "The key of these tests.")

(defmacro sluice-keys-test-with (lines &rest body)
  "Run BODY with the stand-in, and LINES in the only file of auth-source."
  (declare (indent 1))
  `(fake-daemon-with
     (let* ((file (expand-file-name "authinfo" fake-daemon-directory))
            (auth-sources (list file)) (auth-source-do-cache nil))
       (with-temp-file file (insert (format ,lines sluice-keys-test-key) "\n"))
       ,@body)))

(defun sluice-keys-test-ask (host)
  "Have the stand-in ask for the key of HOST, and return what it was answered."
  (sluice-ask "ask" (list :method "key/needed" :params (list :host host))))

(ert-deftest sluice-keys-test-greeting ()
  "The daemon hears at once that this Emacs answers such questions."
  (fake-daemon-with
    (should (equal '("key/needed")
                   (plist-get (car (plist-get (fake-daemon-seen) :greetings)) :answers)))))

(ert-deftest sluice-keys-test-found ()
  "The entry of the host is the key, else that of the host without its port."
  (sluice-keys-test-with "machine api.openai.com login apikey password %s"
    (dolist (host '("api.openai.com" "api.openai.com:8443"))
      (should (equal sluice-keys-test-key
                     (plist-get (plist-get (sluice-keys-test-ask host) :result) :key))))))

(ert-deftest sluice-keys-test-functions ()
  "A secret that is a function is called; one that is text is taken."
  (fake-daemon-with
    (dolist (secret (list sluice-keys-test-key (lambda () sluice-keys-test-key)))
      (cl-letf (((symbol-function 'auth-source-search)
                 (lambda (&rest spec)
                   (should (equal "apikey" (plist-get spec :user)))
                   (should (equal '(:secret) (plist-get spec :require)))
                   (list (list :secret secret)))))
        (should (equal sluice-keys-test-key
                       (plist-get (plist-get (sluice-keys-test-ask "h") :result) :key)))))))

(ert-deftest sluice-keys-test-sandbox ()
  "The sandbox needs no key: none is looked for, nor is a person's own one sent."
  (let ((process-environment (cons "FAKE_SANDBOX=1" process-environment)))
    (sluice-keys-test-with "machine api.openai.com login apikey password %s"
      (should (equal "sandbox" (plist-get (plist-get (sluice-keys-test-ask "api.openai.com") :result)
                                          :key)))
      (with-temp-buffer
        (insert "Hello")
        (let ((sluice-model "whole") (sluice-key (lambda (_) (ert-fail "A key was looked for"))))
          (fake-daemon-messages
            (sluice-send)
            (fake-daemon-until (zerop (hash-table-count sluice-chat--live))))))
      (should (equal "sandbox" (plist-get (car (plist-get (fake-daemon-seen) :chats)) :key))))))

(ert-deftest sluice-keys-test-place ()
  "What is named as the place for keys is the file that is there, else the first one."
  (fake-daemon-without
    (let* ((plain (expand-file-name "authinfo" fake-daemon-directory))
           (locked (concat plain ".gpg"))
           (auth-sources (list plain (list :source locked))))
      (should (equal plain (sluice-keys-place)))
      (let ((file-name-handler-alist nil)) (write-region "" nil locked nil 'silent))
      (should (equal locked (sluice-keys-place)))
      (dolist (auth-sources '(nil (password-store) 7))
        (should (equal "auth-source" (sluice-keys-place)))))))

(ert-deftest sluice-keys-test-missing ()
  "Without an entry it is said which was looked for, where, and what to write there."
  (sluice-keys-test-with "machine api.openai.com login somebody password %s"
    (let ((problem (plist-get (sluice-keys-test-ask "api.openai.com") :error)))
      (should (eql -32012 (plist-get problem :code)))
      (dolist (part (list "machine api.openai.com login apikey password KEY" file "Nothing was sent"))
        (should (string-search part (plist-get problem :message))))
      (should-not (string-search "CANARY" (plist-get problem :message))))))

(ert-deftest sluice-keys-test-written-meanwhile ()
  "An entry that is written after the first question is found by the next."
  (sluice-keys-test-with "machine other.example.org login apikey password %s"
    (let ((auth-source-do-cache t))
      (auth-source-forget-all-cached)
      (should (plist-get (sluice-keys-test-ask "api.openai.com:443") :error))
      (with-temp-file file
        (insert "machine api.openai.com login apikey password " sluice-keys-test-key "\n"))
      (should (equal sluice-keys-test-key
                     (plist-get (plist-get (sluice-keys-test-ask "api.openai.com:443") :result)
                                :key)))
      (auth-source-forget-all-cached))))

(ert-deftest sluice-keys-test-locked ()
  "A person who does not unlock the keys, and keys that cannot be read, are told apart."
  (fake-daemon-with
    (dolist (case '((quit . "did not unlock") (error . "could not be read: Decryption failed")))
      (cl-letf (((symbol-function 'auth-source-search)
                 (lambda (&rest _) (signal (car case) '("Decryption failed")))))
        (let ((problem (plist-get (sluice-keys-test-ask "h") :error)))
          (should (string-search (cdr case) (plist-get problem :message))))))))

(ert-deftest sluice-keys-test-forget ()
  "The daemon is told to forget, this Emacs forgets too, and it is said how many there were."
  (fake-daemon-with
    (dolist (case '((0 . "held no key") (1 . "forgotten the key that") (3 . "forgotten the 3 keys")))
      (fake-daemon-set :held (car case))
      (let ((forgot nil))
        (cl-letf (((symbol-function 'auth-source-forget-all-cached) (lambda () (setq forgot t))))
          (should (string-search (cdr case) (car (fake-daemon-messages (sluice-forget-keys))))))
        (should forgot))))
  (fake-daemon-without
    (should (string-search "not running" (car (fake-daemon-messages (sluice-forget-keys)))))))

(provide 'sluice-keys-test)
;;; sluice-keys-test.el ends here
