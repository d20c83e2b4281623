;;; sluice-words-test.el --- Tests of sluice-words.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Code:

(require 'cl-lib)
(require 'ert)
(require 'sluice-words)

(defvar sluice-language)

(ert-deftest sluice-words-test-english-is-the-key ()
  "A text without a translation is said in English, with its arguments."
  (let ((sluice-language "xx"))
    (should (equal (sluice-gettext "%d calls wait" 3) "3 calls wait"))))

(ert-deftest sluice-words-test-looked-for-once ()
  "For the file of a language that has none the disk is not searched at each word."
  (let ((sluice-language "xx") (sluice-words-tables (make-hash-table :test #'equal)) (looks 0)
        (look (symbol-function 'require)))
    (cl-letf (((symbol-function 'require) (lambda (&rest args) (cl-incf looks) (apply look args))))
      (dotimes (_ 3) (sluice-gettext "done")))
    (should (= 1 looks))))

(ert-deftest sluice-words-test-translation ()
  "A text with a translation is said in the language, and only in that one."
  (let ((sluice-words-tables (make-hash-table :test #'equal)))
    (sluice-words-define "qq" '(("%s waits for %s" "%2$s <- %1$s")))
    (let ((sluice-language "qq"))
      (should (equal (sluice-gettext "%s waits for %s" "a" "b") "b <- a")))
    (let ((sluice-language "en"))
      (should (equal (sluice-gettext "%s waits for %s" "a" "b") "a waits for b")))))

(ert-deftest sluice-words-test-locale ()
  "Without `sluice-language' the locale decides; an odd one is no error."
  (let ((sluice-language nil) (process-environment (copy-sequence process-environment)))
    (setenv "LC_ALL" "ko_KR.UTF-8")
    (should (equal (sluice-words-language) "ko"))
    (setenv "LC_ALL" "")
    (setenv "LC_MESSAGES" nil)
    (setenv "LANG" "C.UTF-8")
    (should (equal (sluice-gettext "done") "done"))
    (setenv "LANG" "../../etc")
    (should (equal (sluice-gettext "done") "done"))))

(ert-deftest sluice-words-test-daemon ()
  "Who has chosen no language hears the daemon's, before that of the locale; a choice goes before both."
  (let ((process-environment (cons "LC_ALL=zh_CN.UTF-8" process-environment))
        (sluice-words-heard "ko") (sluice-language nil))
    (should (equal "취소했어요" (sluice-gettext "Cancelled")))
    (let ((sluice-language "en")) (should (equal "Cancelled" (sluice-gettext "Cancelled"))))
    (let ((sluice-words-heard nil)) (should (equal "已取消" (sluice-gettext "Cancelled"))))))

(provide 'sluice-words-test)
;;; sluice-words-test.el ends here
