;;; sluice-words-ko-test.el --- Tests of sluice-words-ko.el -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; What the pages look like in Korean.  That the table is whole is held by test_words.py.

;;; Code:

(require 'fake-daemon)
(require 'sluice-calls)
(require 'sluice-doctor)

(defun sluice-words-ko-test-columns (&rest cells)
  "Return the columns in which CELLS begin on the line at point."
  (mapcar (lambda (cell)
            (beginning-of-line)
            (search-forward cell (line-end-position))
            (goto-char (match-beginning 0))
            (current-column))
          cells))

(defmacro sluice-words-ko-test-with (&rest body)
  "Run BODY in Korean, with a daemon."
  `(let ((sluice-language "ko"))
     (fake-daemon-with (save-window-excursion ,@body))))

(ert-deftest sluice-words-ko-test-queue ()
  "Titles and remarks are Korean; columns are aligned, though a title is wider than the English one."
  (sluice-words-ko-test-with
   (let ((now (float-time)))
     (fake-daemon-set
      :queue (vector (list :id "c1" :place 1 :client "gptel" :model "gpt-4o" :waits_for "분당 요청 한도를 다 썼어요"
                           :host "h" :since now :eta_at (+ now 65.5) :eta_high_at (+ now 90.5) :attempts 0)
                     (list :id "c2" :place 2 :client "한국어 이름" :model "큰 모델" :waits_for "차례"))))
   (sluice-queue)
   (fake-daemon-until sluice-dashboard--state)
   (should (equal '("순서" "남은 시간" "클라이언트" "모델" "기다리는 것")
                  (mapcar #'car tabulated-list-format)))
   (should (equal 9 (nth 1 (aref tabulated-list-format 1)))) ; not cut off
   (goto-char (point-min))
   (should (equal "h에 보낼 gpt-4o 요청(gptel)이 기다리는 것: 분당 요청 한도를 다 썼어요. 지금까지 0:00 기다렸어요. 늦어도 1:31 뒤에는 나가요"
                  (sluice-queue--words (sluice-dashboard--row) (plist-get (sluice-dashboard--row) :since))))
   (let ((first (sluice-words-ko-test-columns "gptel" "gpt-4o" "분당")))
     (forward-line 1)
     (should (equal first (sluice-words-ko-test-columns "한국어" "큰 모델" "차례")))
     ;; Where the header line has its titles: a column of padding, then widths with one between.
     (should (equal first (list (+ 1 5 1 9 1) (+ 17 12 1) (+ 30 20 1)))))))

(ert-deftest sluice-words-ko-test-empty-queue ()
  "What is said below a list is Korean: that there is nothing, and that the daemon has gone."
  (sluice-words-ko-test-with
   (sluice-queue)
   (fake-daemon-until sluice-dashboard--state)
   (should (string-search " 기다리는 요청이 없어요." (buffer-string)))
   (let ((sluice--retry-delays '(0.02)) (sluice-watch--patience-s 0) (sluice--gone-told 0))
     (should (string-match-p "데몬이 꺼져서 .*M-x sluice-start로"
                             (car (fake-daemon-messages
                                    (fake-daemon-kill)
                                    (fake-daemon-until (and (eq sluice-dashboard--state 'gone)
                                                            (not sluice-watch--mourning)))))))
     (should (string-match-p " Sluice가 꺼져 있어요\\. M-x sluice-start로 켜거나, 터미널에서 켜 주세요: "
                             (buffer-string))))))

(ert-deftest sluice-words-ko-test-explanation ()
  "The page has Korean labels and buttons."
  (sluice-words-ko-test-with
   (fake-daemon-set)
   (sluice-explain--show (list :call "c-66" :language "ko"))
   (with-current-buffer "*Sluice explain*"
     (let ((sluice-explain--answer
            (list :call "c-66" :explanation
                  (append '(:language "ko" :title "크레딧이 없어요")
                          (plist-get sluice-explain--answer :explanation)))))
       (sluice-explain--draw)
       (dolist (words '("무슨 일이에요?" "왜 그래요?" "이제 어떻게 돼요?" "이렇게 해 보세요" "이건 아니에요"
                        "[w] curl 복사  [o] 페이지 열기  [i] 제공자가 보낸 말  [g] 새로 고침  [q] 닫기"
                        "이렇게 판단했어요"))
         (should (string-match-p (concat "^" (regexp-quote words) "$") (buffer-string))))))))

(ert-deftest sluice-words-ko-test-doctor ()
  "The marks are Korean, and what stands behind them begins in the same column."
  (sluice-words-ko-test-with
   (set-file-modes (fake-daemon-socket) #o666)
   (let ((sluice-daemon-command '("no-such-program" "serve")) (auth-sources nil))
     (sluice-doctor)
     (with-current-buffer "*Sluice doctor*"
       (should (string-prefix-p "고칠 것이 1개 있어요    g 다시 보기, q 닫기\n" (buffer-string)))
       (let ((marks 0))
         (goto-char (point-min))
         (while (re-search-forward "^\\(정상\\|참고\\|문제\\) +" nil t)
           (setq marks (1+ marks))
           (should (= 6 (current-column))))
         (should (> marks 5)))
       (should (string-match-p "^      \\[1\\] 지금 하기$" (buffer-string)))
       (goto-char (point-min))
       (while (not (eobp))
         (end-of-line)
         (should (<= (current-column) 80))
         (forward-line 1))))))

(ert-deftest sluice-words-ko-test-failure ()
  "That a call has failed in a buffer that is not shown is told in Korean."
  (let* ((sluice-language "ko") (told nil)
         (sluice-notify-function (lambda (text _) (setq told text))))
    (with-temp-buffer
      (rename-buffer "편지" t)
      (sluice-note-failure "c1" (current-buffer)))
    (should (equal told "편지: 요청이 실패했어요. 이유는 M-x sluice-explain-last로 볼 수 있어요"))))

(provide 'sluice-words-ko-test)
;;; sluice-words-ko-test.el ends here
